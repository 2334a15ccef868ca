//! How the local servers are to be run.

use std::time::Duration;

use secrecy::SecretString;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// PostgreSQL syncs every commit, Redis its append-only file every second.
    Durable,
    /// Nothing is synced: fast, and lost with the machine (not with the process). For tests only.
    Disposable,
}

/// Options of [`Cluster::start`](crate::Cluster::start).
#[derive(Debug, Clone)]
pub struct Options {
    /// An external PostgreSQL (`DATABASE_URL`), used instead of an embedded one.
    pub database_url: Option<SecretString>,
    /// An external Redis (`REDIS_URL`), used instead of an embedded one.
    pub redis_url: Option<SecretString>,
    /// Name of the database created in the embedded PostgreSQL.
    pub database: String,
    pub durability: Durability,
    pub max_connections: u32,
    /// Number of databases of the embedded Redis.
    pub redis_databases: u32,
    /// Further PostgreSQL settings; they win over the ones chosen here.
    pub postgres_settings: Vec<(String, String)>,
    /// How long one server may take to accept connections, crash recovery included.
    pub start_timeout: Duration,
    /// How long one server may take to stop before it is killed.
    pub stop_timeout: Duration,
}

impl Options {
    /// For `renewals up`: nothing committed is lost.
    pub fn for_run() -> Self {
        Self {
            database_url: None,
            redis_url: None,
            database: "renewals".to_owned(),
            durability: Durability::Durable,
            max_connections: 200,
            redis_databases: 16,
            postgres_settings: Vec::new(),
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }

    /// For tests: fast, disposable, room for many connections and one Redis database per test.
    pub fn for_tests() -> Self {
        Self { durability: Durability::Disposable, max_connections: 300, redis_databases: 1024, ..Self::for_run() }
    }

    /// Uses an external PostgreSQL when a URL is given.
    pub fn with_database_url(mut self, url: Option<SecretString>) -> Self {
        self.database_url = url;
        self
    }

    /// Uses an external Redis when a URL is given.
    pub fn with_redis_url(mut self, url: Option<SecretString>) -> Self {
        self.redis_url = url;
        self
    }
}
