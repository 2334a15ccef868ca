//! The cluster that the tests of a process share: started by the first that asks, stopped with the process.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, Running};
use crate::error::LocalError;
use crate::fs;
use crate::options::Options;

/// Names the folder of a running cluster to use instead of starting one. Set by `test-cluster` for what it runs.
pub const CLUSTER_VARIABLE: &str = "RENEWALS_TEST_CLUSTER";

static SHARED: OnceCell<Shared> = OnceCell::const_new();

/// A cluster for many tests at once.
#[derive(Debug)]
pub struct Shared {
    database_url: String,
    redis_url: String,
    // never dropped, as nothing static is: the watchdog stops the servers and removes the folder
    _own: Option<Cluster>,
}

impl Shared {
    /// Of a maintenance database: tests take [`database`](super::database).
    pub(crate) fn admin_url(&self) -> &str {
        &self.database_url
    }

    /// Of database 0: tests take [`redis`](super::redis).
    pub(crate) fn redis_url(&self) -> &str {
        &self.redis_url
    }
}

/// The shared cluster.
///
/// # Errors
/// As [`Cluster::start`]; the next caller tries again.
pub async fn shared() -> Result<&'static Shared, LocalError> {
    SHARED.get_or_try_init(begin).await
}

async fn begin() -> Result<Shared, LocalError> {
    if let Some(dir) = given_folder() {
        let running = Running::find(&dir)?.ok_or_else(|| LocalError::NoCluster { dir })?;
        return Ok(Shared {
            database_url: running.database_url.expose_secret().to_owned(),
            redis_url: running.redis_url.expose_secret().to_owned(),
            _own: None,
        });
    }
    let folder = folder()?;
    let cluster = Cluster::start_in(folder.path(), Options::for_tests(), Some(folder.path())).await?;
    // from here on the watchdog's to remove
    let _path = folder.keep();
    Ok(Shared {
        database_url: cluster.database_url().to_owned(),
        redis_url: cluster.redis_url().to_owned(),
        _own: Some(cluster),
    })
}

/// A cluster of one test's own, for tests that break it.
///
/// # Errors
/// As [`Cluster::start`].
pub async fn temporary(options: Options) -> Result<Temporary, LocalError> {
    let folder = folder()?;
    let cluster = Cluster::start_in(folder.path(), options, Some(folder.path())).await?;
    Ok(Temporary { cluster, folder })
}

/// A cluster in a temporary folder. Dropped, it stops its servers at once and removes the folder.
#[derive(Debug)]
pub struct Temporary {
    // dropped first: the servers write to the folder
    cluster: Cluster,
    folder: TempDir,
}

impl Temporary {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the servers in order and keeps their data, for another start.
    ///
    /// # Errors
    /// As [`Cluster::stop`].
    pub async fn stop(self) -> Result<TempDir, LocalError> {
        self.cluster.stop().await?;
        Ok(self.folder)
    }
}

impl Deref for Temporary {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// A new temporary folder that the servers' user can enter.
fn folder() -> Result<TempDir, LocalError> {
    let folder = tempfile::Builder::new()
        .prefix("renewals-test-")
        .tempdir()
        .map_err(LocalError::io("creating a folder in", std::env::temp_dir()))?;
    fs::set_mode(folder.path(), 0o711)?;
    Ok(folder)
}

#[expect(clippy::disallowed_methods, reason = "the one way to reach a test process through cargo test")]
fn given_folder() -> Option<PathBuf> {
    std::env::var_os(CLUSTER_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}
