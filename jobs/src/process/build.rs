//! Makes the services of a process from its configuration. Nothing is connected yet: servers that are down at start
//! delay nothing, and are used as soon as they answer.

use super::config::ServicesConfig;
use crate::{
    Clock, Services,
    queue::redis::Redis,
    sending::line::{Line, Lines},
    services::{Senders, SharedServices},
};
use domain::messaging::Channel;
use providers::{
    email::{EmailProvider, Outbox, Smtp, SmtpError},
    http::HttpError,
    imap::{ImapError, Mailbox},
    sandbox::Sandbox,
    sendgrid::Sendgrid,
    ses::Ses,
    sns_sms::SnsSms,
    storage::{Storage, StorageError},
    textlocal::Textlocal,
    twilio::Twilio,
    whatsapp_cloud::{WhatsappCloud, WhatsappManager},
};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use schema::{Db, DbError};
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};

/// The services cannot be made; what could be checked was checked when the configuration was read.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database's address or pool.
    #[error("setting up the database")]
    Database(#[from] DbError),
    /// Redis's address.
    #[error("setting up Redis")]
    Redis(#[from] redis::RedisError),
    /// The place for files.
    #[error("opening the storage")]
    Storage(#[from] StorageError),
    /// A provider's HTTP client.
    #[error("setting up a provider")]
    Provider(#[from] HttpError),
    /// The mail server's TLS settings.
    #[error("setting up the mail server")]
    Mail(#[from] SmtpError),
    /// The bounce mailbox's TLS settings.
    #[error("setting up the bounce mailbox")]
    Mailbox(#[from] ImapError),
}

/// The services, over the real clock. Must be called on a runtime, with the TLS provider of the process installed.
pub fn services(config: &ServicesConfig) -> Result<SharedServices, BuildError> {
    let db = Db::new(&config.database)?;
    let storage = Storage::open(&config.storage)?;
    let email: Arc<dyn EmailProvider> = match &config.mail.smtp {
        Some(server) => Arc::new(Smtp::new(server)?),
        None => Arc::new(Outbox::new(storage.clone(), config.mail.sender.clone())),
    };
    let lines = lines(config)?;
    let bounce_mailbox = config.mail.bounces.as_ref().map(Mailbox::new).transpose()?.map(Arc::new);
    // templates and flows belong to the first business account
    let managed = config.channels.whatsapp.iter().find(|account| account.business_account_id.is_some());
    let whatsapp_manager = managed.map(WhatsappManager::new).transpose()?.flatten().map(Arc::new);
    let public_url = config.mail.public_url.clone();
    let senders = Senders { lines, email, bounce_mailbox, whatsapp_manager, public_url };
    let (redis, security) = (Redis::new(&config.redis)?, config.security.clone());
    Ok(Arc::new(Services::new(db, Clock::default(), redis, storage, senders, security)))
}

/// Every configured account, and the sandbox for channels without one.
fn lines(config: &ServicesConfig) -> Result<Lines, BuildError> {
    let (channels, public_url) = (&config.channels, &config.mail.public_url);
    let mut lines = Vec::new();
    for account in &channels.whatsapp {
        lines.push(Line::Whatsapp(Arc::new(WhatsappCloud::new(account)?)));
    }
    for account in &channels.ses {
        lines.push(Line::Email(Arc::new(Ses::new(account)?)));
    }
    for account in &channels.sendgrid {
        lines.push(Line::Email(Arc::new(Sendgrid::new(account)?)));
    }
    for server in &channels.smtp {
        lines.push(Line::Email(Arc::new(Smtp::new(server)?)));
    }
    for account in &channels.twilio {
        lines.push(Line::Sms(Arc::new(Twilio::new(account, public_url)?)));
    }
    for account in &channels.sns {
        lines.push(Line::Sms(Arc::new(SnsSms::new(account)?)));
    }
    for account in &channels.textlocal {
        lines.push(Line::Sms(Arc::new(Textlocal::new(account, public_url)?)));
    }
    let place = |line: &Line| {
        let order = match line.channel() {
            Channel::Whatsapp => return Some(0),
            Channel::Email => &channels.email_order,
            Channel::Sms => &channels.sms_order,
        };
        order.iter().position(|name| name == line.account().name())
    };
    lines.retain(|line| place(line).is_some());
    // stable: accounts of one provider stay in the order of their numbers
    lines.sort_by_key(|line| place(line));
    let sandbox = |channel: &Channel| {
        let sandbox = Arc::new(Sandbox::new(config.sandbox.clone(), *channel));
        match channel {
            Channel::Whatsapp => Line::Whatsapp(sandbox),
            Channel::Sms => Line::Sms(sandbox),
            Channel::Email => Line::Email(sandbox),
        }
    };
    let rehearsal: Vec<Line> = Channel::ALL.iter().map(sandbox).collect();
    let idle = |line: &&Line| lines.iter().all(|other: &Line| other.channel() != line.channel());
    let standing_in: Vec<Line> = rehearsal.iter().filter(idle).cloned().collect();
    lines.extend(standing_in);
    Ok(Lines::new(lines, rehearsal, config.channels.failover, config.channels.registered_countries.clone()))
}

/// A connection to Redis that is made when first needed and made again when lost. A command fails within seconds while
/// Redis is away, so that callers can go on without it.
pub fn redis_manager(url: &SecretString) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(5)))
        .set_max_delay(Duration::from_secs(1))
        .set_number_of_retries(2);
    ConnectionManager::new_lazy_with_config(redis::Client::open(url.expose_secret())?, config)
}
