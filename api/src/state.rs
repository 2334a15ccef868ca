//! What handlers share: the services, the configuration, and who may come in.
//!
//! Made once a process; fails only on a Redis address that cannot be read, which the configuration has checked.

use crate::{
    auth::{attempts::Attempts, oidc::SingleSignOn, principals::Principals, token::Tokens, token_keys::Keys},
    config::ApiConfig,
    edge::rate::RateLimits,
};
use chrono::TimeDelta;
use jobs::{
    process::health::Health,
    services::SharedServices,
    tracking::{Links, Recorder},
};
use providers::{
    http::HttpError,
    oidc::OidcError,
    sns_webhook::{Fetched, SnsVerifier},
    whatsapp_cloud::WhatsappMedia,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The state cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Redis's address cannot be read.
    #[error("setting up Redis")]
    Redis(#[from] redis::RedisError),
    /// There is no way to call issuers.
    #[error("setting up single sign-on")]
    SingleSignOn(#[from] OidcError),
    /// There is no way to call a provider.
    #[error("setting up a provider")]
    Provider(#[from] HttpError),
}

/// The state of one process.
pub struct ApiState {
    /// Database, clock, dispatcher.
    pub services: SharedServices,
    /// The configuration.
    pub config: ApiConfig,
    /// Whether the process can do its work.
    pub health: Health,
    /// Signs and reads access tokens.
    pub tokens: Tokens,
    /// Who is who, and what they may do.
    pub principals: Principals,
    /// Slows down guessing.
    pub attempts: Attempts,
    /// Counts requests.
    pub rates: RateLimits,
    /// Other services' sign-ins.
    pub single_sign_on: SingleSignOn,
    /// Tells true deliveries of Amazon's topics from others; only with an account of SES.
    pub sns: Option<SnsVerifier>,
    /// Makes and reads links that recipients follow.
    pub links: Links,
    /// Keeps what they tell.
    pub recorder: Recorder,
    /// Takes files of WhatsApp messages, to the account that sends first; `None`: the sandbox does.
    pub media: Option<WhatsappMedia>,
    /// Cancelled when the process is asked to stop: whoever waits, answers.
    pub stopping: CancellationToken,
}

/// The state as handlers take it: `Data<&SharedState>`.
pub type SharedState = Arc<ApiState>;

impl ApiState {
    /// Sets up the state; connects to nothing yet.
    pub fn new(config: ApiConfig, services: SharedServices) -> Result<SharedState, StateError> {
        let health = Health::new(services.db.clone(), &config.services.database, &config.services.redis.url)?;
        let security = &services.security;
        let keys = Keys::new(services.db.clone(), security.key_ring.clone());
        let tokens = Tokens::new(keys, security.sessions.access, services.clock.clone());
        let idle = TimeDelta::from_std(security.sessions.idle).unwrap_or(TimeDelta::MAX);
        let principals = Principals::new(services.db.clone(), services.clock.clone(), idle);
        let attempts = Attempts::new(services.redis.clone());
        let rates = RateLimits::new(services.redis.clone());
        let single_sign_on = SingleSignOn::new(config.single_sign_on.clone())?;
        let media = config.services.channels.whatsapp.first().map(WhatsappMedia::new).transpose()?;
        let (sns, stopping) = (sns(&config)?, CancellationToken::new());
        let (links, recorder) = (Links::of(&services), Recorder::new(Arc::clone(&services)));
        Ok(Arc::new(Self {
            services,
            health,
            tokens,
            principals,
            attempts,
            rates,
            single_sign_on,
            sns,
            links,
            recorder,
            media,
            stopping,
            config,
        }))
    }
}

/// Verifies what SNS delivers on the topics of every SES account.
fn sns(config: &ApiConfig) -> Result<Option<SnsVerifier>, HttpError> {
    let accounts = &config.services.channels.ses;
    let Some(first) = accounts.first() else { return Ok(None) };
    let topics = accounts.iter().flat_map(|account| account.topics.iter().cloned()).collect();
    Ok(Some(SnsVerifier::new(topics, Box::new(Fetched::new(first.sns_stand_in.clone())?))))
}
