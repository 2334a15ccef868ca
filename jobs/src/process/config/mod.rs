//! The configuration: one struct a concern, read from the environment at start, with all faults told at once.
//!
//! A program says which concerns it has by reading them from one [`Reader`]:
//! `load(&environment, |reader| Some((ServicesConfig::read(reader), HttpConfig::read(reader))))`.
//! Fails with [`ConfigError`], which names every variable at fault and what would be right; the program stops.

mod channels;
mod database;
mod dotenv;
mod environment;
mod http;
mod mail;
mod rate;
mod reader;
mod redis;
mod retention;
mod security;
mod telemetry;
mod units;

pub use channels::{ChannelsConfig, Failover};
pub use database::database;
pub use environment::{Environment, EnvironmentError};
pub use http::{HttpConfig, TlsFiles};
pub use mail::MailConfig;
pub use rate::{Rate, RateConfig};
pub use reader::{ConfigError, Fault, Reader};
pub use redis::{RedisConfig, Transport};
pub use retention::RetentionConfig;
pub use security::{SecurityConfig, SessionConfig, derive};
pub use telemetry::{LogFormat, TelemetryConfig};
pub use units::{parse_bytes, parse_duration};

use providers::{sandbox::SandboxConfig, storage::StorageConfig};
use schema::DbConfig;

/// What [`Services`](crate::Services) are made from.
#[derive(Debug, Clone)]
pub struct ServicesConfig {
    /// PostgreSQL.
    pub database: DbConfig,
    /// Redis, and what carries jobs over it.
    pub redis: RedisConfig,
    /// Where files are kept.
    pub storage: StorageConfig,
    /// The accounts that send to customers.
    pub channels: ChannelsConfig,
    /// The sandbox.
    pub sandbox: SandboxConfig,
    /// Mails, and what their links begin with.
    pub mail: MailConfig,
    /// The application's own secrets.
    pub security: SecurityConfig,
}

impl ServicesConfig {
    /// Reads every concern before giving up, so that all faults are told.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let database = database(reader);
        let redis = RedisConfig::read(reader);
        let storage = reader.provider(StorageConfig::from_env);
        let channels = ChannelsConfig::read(reader);
        let sandbox = reader.provider(SandboxConfig::from_env);
        let mail = MailConfig::read(reader);
        let security = SecurityConfig::read(reader);
        Some(Self {
            database: database?,
            redis: redis?,
            storage: storage?,
            channels: channels?,
            sandbox: sandbox?,
            mail: mail?,
            security: security?,
        })
    }
}

/// Runs `read` and tells all the faults it met. `lookup` gives a variable's text, if it is set.
pub fn load<T>(
    lookup: &dyn Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let mut reader = Reader::new(lookup);
    let config = read(&mut reader);
    reader.finish(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::collections::HashMap;

    fn lookup<'a>(values: &[(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + use<'a> {
        let values: HashMap<_, _> = values.iter().copied().collect();
        move |name| values.get(name).map(|value| (*value).to_owned())
    }

    fn all(reader: &mut Reader<'_>) -> Option<(ServicesConfig, HttpConfig)> {
        let (services, http) = (ServicesConfig::read(reader), HttpConfig::read(reader));
        Some((services?, http))
    }

    #[test]
    fn every_fault_is_told_at_once_by_name_and_without_secrets() {
        let faulty = lookup(&[
            ("DATABASE_URL", "mysql://me:hunter2@host/db"),
            ("DB_POOL", "many"),
            ("QUEUE_TRANSPORT", "pigeons"),
            ("SANDBOX_LATENCY_MS", "soon"),
            ("PORT", "70000"),
            ("CORS_ALLOWED_ORIGINS", "https://a.example, nonsense"),
            ("SECRET_KEY", "short"),
        ]);
        let error = load(&faulty, all).unwrap_err();
        let names: Vec<_> = error.faults().iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "DATABASE_URL",
                "DB_POOL",
                "REDIS_URL",
                "QUEUE_TRANSPORT",
                "SANDBOX_LATENCY_MS",
                "SECRET_KEY",
                "PORT",
                "CORS_ALLOWED_ORIGINS"
            ]
        );
        let text = error.to_string();
        assert!(text.contains("PORT: is \"70000\"") && text.contains("REDIS_URL: is not set"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("short"), "{text}");
    }

    #[test]
    fn what_is_not_set_has_a_default_and_blank_is_not_set() {
        let given = lookup(&[
            ("DATABASE_URL", "postgres://me@host/db"),
            ("REDIS_URL", "redis://host/1"),
            ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("PORT", "  "),
        ]);
        let (services, http) = load(&given, all).unwrap();
        assert_eq!(services.database.connections, 10);
        assert_eq!(services.redis.transport, Transport::Streams);
        assert_eq!((http.port, http.max_upload_bytes), (8000, 1 << 30));
        assert_eq!(services.security.secret_key.expose_secret().len(), 32);
    }
}
