//! The way to Redis, shared by everything in a process that needs it.
//!
//! Connections are made when first needed and made again when they break. A command fails after [`RESPONSE_TIMEOUT`] at
//! the latest; nothing that Redis holds is needed to keep a job, so its callers log failures and go on.

use super::job::{Priority, Queue};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// An answer that takes longer than this counts as none.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What carries ids from the ledger to the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Redis Streams, read by a backend of our own.
    #[default]
    Streams,
    /// The apalis-redis crate.
    ApalisRedis,
}

impl Transport {
    /// As configuration names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::ApalisRedis => "apalis-redis",
        }
    }

    /// The transport of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Streams, Self::ApalisRedis].into_iter().find(|transport| transport.name() == name)
    }
}

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://…`, `rediss://…` or `redis+unix://…`.
    pub url: SecretString,
    /// What carries ids.
    pub transport: Transport,
    /// Begins every key and channel, so that several installations may share a server.
    pub namespace: String,
}

impl RedisConfig {
    /// The defaults: streams, under `renewals`.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self { url: url.into(), transport: Transport::default(), namespace: "renewals".to_owned() }
    }
}

/// Redis, as a process uses it; cheap to clone.
#[derive(Clone)]
pub struct Redis {
    client: redis::Client,
    manager: ConnectionManager,
    transport: Transport,
    namespace: std::sync::Arc<str>,
}

impl Redis {
    /// Sets up the connection, which is made by the first command. Fails if the URL cannot be read. Must be called on
    /// a runtime.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        let client = redis::Client::open(config.url.expose_secret())?;
        let settings = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(2)
            .set_max_delay(Duration::from_secs(1));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), settings)?;
        Ok(Self { client, manager, transport: config.transport, namespace: config.namespace.as_str().into() })
    }

    /// The shared connection, for everything that does not block.
    pub fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// For connections of one's own.
    pub fn client(&self) -> &redis::Client {
        &self.client
    }

    /// What carries ids.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// A key or channel of this installation.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.namespace)
    }

    /// The key of what carries one level of a queue. A cluster keeps the levels of a queue together, since they are
    /// read by one command, and may spread the queues.
    pub fn carrier_key(&self, queue: Queue, priority: Priority) -> String {
        format!("{}:{{{}}}:{}", self.namespace, queue.name(), priority.name())
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), redis::RedisError> {
        redis::cmd("PING").query_async::<()>(&mut self.connection()).await
    }
}

impl std::fmt::Debug for Redis {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("transport", &self.transport).field("namespace", &self.namespace).finish()
    }
}
