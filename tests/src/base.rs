//! The ground a test stands on: a database cloned from a migrated template, and an empty Redis.
//!
//! Panics when the servers cannot be started: nothing can be tested without them.

use jobs::process::{
    build,
    config::{ServicesConfig, load},
};
use jobs::services::SharedServices;
use local::testing::{TestDatabase, TestRedis};
use schema::{Db, DbConfig, migrate};
use std::path::Path;

/// What the programs of a test seal and sign with.
pub const SECRET_KEY: &str = "a key for tests, long enough for one";

/// The template all tests clone.
const TEMPLATE: &str = "renewals_template";

/// A database and a Redis of one test's own.
#[derive(Debug)]
pub struct Base {
    /// Migrated, otherwise empty.
    pub database: TestDatabase,
    /// Empty.
    pub redis: TestRedis,
}

impl Base {
    /// Starts (or shares) the servers and clones the template.
    pub async fn new() -> Self {
        install_crypto();
        let database = local::testing::database(TEMPLATE, |url| async move {
            migrate::run(&url, migrate::Step::Up).await?;
            Ok(())
        })
        .await
        .expect("a database for the test");
        let redis = local::testing::redis().await.expect("a Redis for the test");
        Self { database, redis }
    }

    /// What jobs use, with files under `storage`, the sandbox for WhatsApp, and these variables besides.
    pub fn services(&self, storage: &Path, variables: &[(&str, &str)]) -> SharedServices {
        let servers = [
            ("DATABASE_URL", self.database.url()),
            ("REDIS_URL", self.redis.url()),
            ("REDIS_NAMESPACE", self.redis.namespace()),
        ];
        let all: Vec<(&str, &str)> = servers.iter().chain(variables).copied().collect();
        services(storage, &all)
    }

    /// Pools over the test's database.
    pub fn db(&self) -> Db {
        Db::new(&DbConfig::new(self.database.url().to_owned())).expect("a readable address")
    }
}

/// What jobs use over the servers that the variables name. Panics if they do not make a configuration.
pub fn services(storage: &Path, variables: &[(&str, &str)]) -> SharedServices {
    let lookup = |name: &str| match name {
        "STORAGE_DIR" => Some(storage.display().to_string()),
        // the last wins
        _ => variables.iter().rfind(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    };
    let lookup = |name: &str| lookup(name).or_else(|| (name == "SECRET_KEY").then(|| SECRET_KEY.to_owned()));
    let config = load(&lookup, ServicesConfig::read).expect("a configuration");
    build::services(&config).expect("services")
}

/// Chooses the process's TLS implementation; every test and program does so first.
pub fn install_crypto() {
    // a second call finds it installed
    let _installed = rustls::crypto::ring::default_provider().install_default();
}
