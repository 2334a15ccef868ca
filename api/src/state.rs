//! What handlers share: the services, the configuration, and who may come in.
//!
//! Made once a process; fails only on a Redis address that cannot be read, which the configuration has checked.

use crate::{
    auth::{attempts::Attempts, principals::Principals, token::Tokens, token_keys::Keys},
    config::ApiConfig,
};
use chrono::TimeDelta;
use jobs::{process::health::Health, services::SharedServices};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

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
    /// Cancelled when the process is asked to stop: whoever waits, answers.
    pub stopping: CancellationToken,
}

/// The state as handlers take it: `Data<&SharedState>`.
pub type SharedState = Arc<ApiState>;

impl ApiState {
    /// Sets up the state; connects to nothing yet.
    pub fn new(config: ApiConfig, services: SharedServices) -> redis::RedisResult<SharedState> {
        let health = Health::new(services.db.clone(), &config.services.database, &config.services.redis.url)?;
        let security = &services.security;
        let keys = Keys::new(services.db.clone(), security.key_ring.clone());
        let tokens = Tokens::new(keys, security.sessions.access, services.clock.clone());
        let idle = TimeDelta::from_std(security.sessions.idle).unwrap_or(TimeDelta::MAX);
        let principals = Principals::new(services.db.clone(), services.clock.clone(), idle);
        let attempts = Attempts::new(services.redis.clone());
        let stopping = CancellationToken::new();
        Ok(Arc::new(Self { services, health, tokens, principals, attempts, stopping, config }))
    }
}
