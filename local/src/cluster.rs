//! The two servers together, owned by one process.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::account::Account;
use crate::error::LocalError;
use crate::layout::{Layout, Lock};
use crate::options::Options;
use crate::servers::{Postgres, Redis};
use crate::watchdog::Watchdog;
use crate::{fs, secrets};

/// The URLs of a running cluster, for other programs of the same machine: `. .local/cluster.env`.
const URLS_FILE: &str = "cluster.env";
const POSTGRES_PASSWORD: &str = "LOCAL_POSTGRES_PASSWORD";
const REDIS_PASSWORD: &str = "LOCAL_REDIS_PASSWORD";

/// PostgreSQL and Redis for this process: embedded, external, or one of each.
///
/// Dropped without [`Cluster::stop`], the embedded servers are stopped at once, without order.
#[derive(Debug)]
pub struct Cluster {
    database_url: SecretString,
    redis_url: SecretString,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    // after the servers: dropped when they have stopped
    _ownership: Option<Ownership>,
}

/// What makes this process the owner of the servers' folder. Given up in this order.
#[derive(Debug)]
struct Ownership {
    _urls: UrlsFile,
    _watchdog: Watchdog,
    _lock: Lock,
}

impl Cluster {
    /// Starts the servers that `options` does not replace by external ones, with their data under `dir`.
    ///
    /// # Errors
    /// [`LocalError::InUse`] when a live process has them running (see [`Running::find`]), [`LocalError::Missing`]
    /// when a server is not installed, and whatever keeps a server from starting, with the end of its log.
    pub async fn start(dir: &Path, options: Options) -> Result<Self, LocalError> {
        Self::start_in(dir, options, None).await
    }

    /// As [`Self::start`]; `remove` is a temporary folder that goes when this process ends.
    pub(crate) async fn start_in(dir: &Path, options: Options, remove: Option<&Path>) -> Result<Self, LocalError> {
        if let (Some(database_url), Some(redis_url)) = (&options.database_url, &options.redis_url) {
            return Ok(Self {
                database_url: database_url.clone(),
                redis_url: redis_url.clone(),
                postgres: None,
                redis: None,
                _ownership: None,
            });
        }
        let account = Account::for_servers()?;
        let account = account.as_ref();
        let layout = Layout::prepare(dir, account).await?;
        let lock = Lock::take(&layout.home).await?;
        Postgres::clean_up(&layout, &options).await?;
        Redis::clean_up(&layout, &options).await?;
        let watchdog = Watchdog::start(&layout, options.durability, remove)?;

        let passwords = secrets::load_or_generate(&layout.home, &[POSTGRES_PASSWORD, REDIS_PASSWORD])?;
        let password = |name| passwords.get(name).cloned().unwrap_or_default();
        let postgres = async {
            match options.database_url {
                Some(_) => Ok(None),
                None => Postgres::start(&layout, account, password(POSTGRES_PASSWORD), &options).await.map(Some),
            }
        };
        let redis = async {
            match options.redis_url {
                Some(_) => Ok(None),
                None => Redis::start(&layout, account, password(REDIS_PASSWORD), &options).await.map(Some),
            }
        };
        // a fault of one drops the other, which stops it
        let (postgres, redis) = tokio::try_join!(postgres, redis)?;
        let url = |own: Option<String>, external: &Option<SecretString>| match own {
            Some(own) => SecretString::from(own),
            None => external.clone().unwrap_or_default(),
        };
        let database_url =
            url(postgres.as_ref().map(|postgres| postgres.url(&options.database)), &options.database_url);
        let redis_url = url(redis.as_ref().map(|redis| redis.url(0)), &options.redis_url);
        let urls = UrlsFile::write(&layout.home, &database_url, &redis_url)?;
        let ownership = Ownership { _urls: urls, _watchdog: watchdog, _lock: lock };
        Ok(Self { database_url, redis_url, postgres, redis, _ownership: Some(ownership) })
    }

    /// For tokio-postgres and diesel-async. May hold a password: never log it.
    pub fn database_url(&self) -> &str {
        self.database_url.expose_secret()
    }

    /// For redis-rs. May hold a password: never log it.
    pub fn redis_url(&self) -> &str {
        self.redis_url.expose_secret()
    }

    /// The embedded PostgreSQL.
    ///
    /// # Errors
    /// [`LocalError::External`] when an external one is in use.
    pub fn postgres(&self) -> Result<&Postgres, LocalError> {
        self.postgres.as_ref().ok_or(LocalError::External { server: "PostgreSQL" })
    }

    /// The embedded Redis.
    ///
    /// # Errors
    /// [`LocalError::External`] when an external one is in use.
    pub fn redis(&self) -> Result<&Redis, LocalError> {
        self.redis.as_ref().ok_or(LocalError::External { server: "Redis" })
    }

    /// Stops the embedded servers in order, each within its deadline. External ones are left alone.
    ///
    /// # Errors
    /// A server that could not be signalled; it is killed all the same.
    pub async fn stop(self) -> Result<(), LocalError> {
        let redis = async {
            match &self.redis {
                Some(redis) => redis.stop().await,
                None => Ok(()),
            }
        };
        let postgres = async {
            match &self.postgres {
                Some(postgres) => postgres.stop().await,
                None => Ok(()),
            }
        };
        let (redis, postgres) = tokio::join!(redis, postgres);
        redis.and(postgres)
    }
}

/// There while the servers run.
#[derive(Debug)]
struct UrlsFile {
    path: PathBuf,
}

impl UrlsFile {
    fn write(home: &Path, database_url: &SecretString, redis_url: &SecretString) -> Result<Self, LocalError> {
        let path = home.join(URLS_FILE);
        let text =
            format!("DATABASE_URL='{}'\nREDIS_URL='{}'\n", database_url.expose_secret(), redis_url.expose_secret());
        fs::write_private(&path, &text, None)?;
        Ok(Self { path })
    }
}

impl Drop for UrlsFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove(&self.path) {
            tracing::warn!(%error, "the URLs of the stopped servers are still there");
        }
    }
}

/// The servers that another process of this machine keeps running: what `renewals` commands use beside `renewals up`.
#[derive(Debug, Clone)]
pub struct Running {
    pub database_url: SecretString,
    pub redis_url: SecretString,
}

impl Running {
    /// `None` when no live process has the servers of `dir` running.
    ///
    /// # Errors
    /// The file of URLs cannot be read, for instance because another user owns it.
    pub fn find(dir: &Path) -> Result<Option<Self>, LocalError> {
        if !Lock::is_held(dir) {
            return Ok(None);
        }
        let Some(text) = fs::read(&dir.join(URLS_FILE))? else { return Ok(None) };
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| SecretString::from(value.trim_matches('\'')))
        };
        Ok(value("DATABASE_URL")
            .zip(value("REDIS_URL"))
            .map(|(database_url, redis_url)| Self { database_url, redis_url }))
    }
}
