//! What a command stands on: the environment, and a PostgreSQL and a Redis.
//!
//! In this order: the servers that DATABASE_URL and REDIS_URL name, those that a running `renewals up` has started, and
//! else the embedded ones, started for as long as the command runs.

use anyhow::Context;
use jobs::{
    process::{
        build,
        config::{Environment, LogFormat, ServicesConfig, TelemetryConfig, load},
        telemetry,
    },
    services::SharedServices,
};
use local::{Cluster, Options, Running, secrets};
use schema::{Db, DbConfig, migrate};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// Signs access tokens; generated for this machine unless it is set.
const SECRET_KEY: &str = "SECRET_KEY";

/// The servers a command uses.
pub struct Ground {
    /// With the addresses of the servers in it, whoever runs them.
    pub environment: Environment,
    cluster: Option<Cluster>,
}

impl Ground {
    /// For `renewals up`, which owns the embedded servers.
    pub async fn own(mut environment: Environment, data: &Path) -> anyhow::Result<Self> {
        let options = Options::for_run()
            .with_database_url(given(&environment, "DATABASE_URL"))
            .with_redis_url(given(&environment, "REDIS_URL"));
        let cluster = Cluster::start(data, options).await.context("starting PostgreSQL and Redis")?;
        environment.set("DATABASE_URL", cluster.database_url());
        environment.set("REDIS_URL", cluster.redis_url());
        complete(&mut environment, data)?;
        Ok(Self { environment, cluster: Some(cluster) })
    }

    /// For a command beside it.
    pub async fn shared(data: &Path) -> anyhow::Result<Self> {
        let mut environment = environment()?;
        let missing = given(&environment, "DATABASE_URL").is_none() || given(&environment, "REDIS_URL").is_none();
        match Running::find(data)? {
            Some(running) if missing => {
                environment.set_default("DATABASE_URL", running.database_url.expose_secret());
                environment.set_default("REDIS_URL", running.redis_url.expose_secret());
                complete(&mut environment, data)?;
                Ok(Self { environment, cluster: None })
            }
            _ => Self::own(environment, data).await,
        }
    }

    /// Where the database is.
    pub fn database_url(&self) -> anyhow::Result<SecretString> {
        given(&self.environment, "DATABASE_URL").context("there is no database")
    }

    /// The database, brought up to date.
    pub async fn database(&self) -> anyhow::Result<Db> {
        let url = self.database_url()?;
        migrate::run(url.expose_secret(), migrate::Step::Up).await?;
        Ok(Db::new(&DbConfig { connections: 2, ..DbConfig::new(url) })?)
    }

    /// The services, few connections of each.
    pub fn services(&self) -> anyhow::Result<SharedServices> {
        let mut config = load(&self.environment.lookup(), ServicesConfig::read)?;
        config.database.connections = 2;
        Ok(build::services(&config)?)
    }

    /// Stops the servers that were started here.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.cluster {
            Some(cluster) => cluster.stop().await.context("stopping PostgreSQL and Redis"),
            None => Ok(()),
        }
    }
}

/// The environment of this process, with logging begun. Commands log little unless RUST_LOG asks for more: what they
/// print is for people.
pub fn environment() -> anyhow::Result<Environment> {
    let mut environment = Environment::of_process()?;
    environment.set_default("RUST_LOG", "warn");
    let config = load(&environment.lookup(), |reader| {
        let given = reader.optional("LOG_FORMAT").is_some();
        let config = TelemetryConfig::read(reader);
        Some(TelemetryConfig { format: if given { config.format } else { LogFormat::Pretty }, ..config })
    })?;
    telemetry::start(&config);
    Ok(environment)
}

fn given(environment: &Environment, name: &str) -> Option<SecretString> {
    environment.get(name).map(SecretString::from)
}

/// What has no default elsewhere because it belongs to this machine.
fn complete(environment: &mut Environment, data: &Path) -> anyhow::Result<()> {
    if environment.get(SECRET_KEY).is_none() {
        let secrets = secrets::load_or_generate(data, &[SECRET_KEY])?;
        let key = secrets.get(SECRET_KEY).context("no secret key was generated")?;
        environment.set(SECRET_KEY, key.expose_secret());
    }
    let storage = data.join("storage");
    let storage = std::path::absolute(&storage).unwrap_or(storage);
    environment.set_default("STORAGE_DIR", storage.to_string_lossy());
    Ok(())
}
