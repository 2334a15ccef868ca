//! Servers of a part's own, durable as in production, and the services over them.

use jobs::process::{
    build,
    config::{ServicesConfig, load},
};
use jobs::services::SharedServices;
use local::Options;
use local::testing::{Temporary, temporary};
use schema::migrate;
use tempfile::TempDir;

/// PostgreSQL, Redis and a folder for files.
pub struct Ground {
    /// The servers; they end with this value.
    pub cluster: Temporary,
    /// For uploads.
    pub files: TempDir,
}

impl Ground {
    /// Starts and migrates.
    pub async fn new() -> anyhow::Result<Self> {
        let cluster = temporary(Options::for_run()).await?;
        migrate::run(cluster.database_url(), migrate::Step::Up).await?;
        Ok(Self { cluster, files: tempfile::tempdir()? })
    }

    /// The environment of a process over these servers.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.cluster.database_url().to_owned()),
            ("REDIS_URL", self.cluster.redis_url().to_owned()),
            ("STORAGE_DIR", self.files.path().display().to_string()),
            // one person asks for everything here
            ("RATE_LIMIT_AUTH", "off".to_owned()),
            ("RATE_LIMIT_READ", "off".to_owned()),
            ("RATE_LIMIT_WRITE", "off".to_owned()),
            ("RATE_LIMIT_UPLOAD", "off".to_owned()),
            ("SECRET_KEY", "a key for measuring, long enough for one".to_owned()),
        ]
    }

    /// The services of a process, with these variables besides.
    pub fn services(&self, variables: &[(&str, String)]) -> anyhow::Result<SharedServices> {
        let environment = self.environment();
        let lookup = |name: &str| {
            let given = variables.iter().chain(&environment).find(|(known, _)| *known == name);
            given.map(|(_, value)| value.clone())
        };
        Ok(build::services(&load(&lookup, ServicesConfig::read)?)?)
    }

    /// A plain connection.
    pub async fn connect(&self) -> anyhow::Result<tokio_postgres::Client> {
        let (client, connection) = tokio_postgres::connect(self.cluster.database_url(), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
