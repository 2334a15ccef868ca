//! A PostgreSQL database for one test, cloned from a template that is prepared once for a cluster.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::admin::Admin;
use super::{janitor, shared};
use crate::endpoint::with_database;
use crate::error::LocalError;
use crate::servers::quote_identifier;

/// What preparing a template may fail with.
pub type PrepareError = Box<dyn std::error::Error + Send + Sync>;

/// The templates this process knows to be ready, so that most tests need not ask.
static READY: Mutex<Option<HashMap<String, Arc<OnceCell<()>>>>> = Mutex::new(None);

/// A database for one test, dropped with this value (open connections are ended).
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    admin_url: String,
}

impl TestDatabase {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        janitor::drop_database(&self.admin_url, &self.name);
    }
}

/// Clones the template named `template` of the shared cluster. The first call, across all processes that share the
/// cluster, has `prepare` fill it: it is given the template's URL, runs the migrations and closes its connections.
/// Different contents need different names.
///
/// # Errors
/// As [`shared`](super::shared), and [`LocalError::Template`] with what `prepare` returned; the next call tries again.
pub async fn database<F, Fut>(template: &str, prepare: F) -> Result<TestDatabase, LocalError>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), PrepareError>>,
{
    let cluster = shared::shared().await?;
    let admin = Admin::connect(cluster.admin_url()).await?;
    let ready = {
        let mut known = READY.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert_default().entry(template.to_owned()).or_default())
    };
    ready.get_or_try_init(|| prepare_template(&admin, cluster.admin_url(), template, prepare)).await?;

    let name = format!("test_{}", Uuid::new_v4().simple());
    let strategy = if has_wal_log(&admin).await? { " STRATEGY WAL_LOG" } else { "" };
    let create = format!("CREATE DATABASE {name} TEMPLATE {}{strategy}", quote_identifier(template));
    admin.run(&create).await?;
    Ok(TestDatabase { url: with_database(cluster.admin_url(), &name), admin_url: cluster.admin_url().to_owned(), name })
}

async fn prepare_template<F, Fut>(admin: &Admin, admin_url: &str, name: &str, prepare: F) -> Result<(), LocalError>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), PrepareError>>,
{
    const FINISHED: &str = "SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate";
    // on a connection of its own, whose end releases the lock whatever happens
    let locked = Admin::connect(admin_url).await?;
    locked.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&name]).await?;
    if admin.query(FINISHED, &[&name]).await?.is_some() {
        return Ok(());
    }
    let quoted = quote_identifier(name);
    // a preparation that was cut short
    admin.run(&format!("DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")).await?;
    admin.run(&format!("CREATE DATABASE {quoted}")).await?;
    prepare(with_database(admin_url, name))
        .await
        .map_err(|source| LocalError::Template { name: name.to_owned(), source })?;
    // cloning needs a template without connections; pools close theirs in their own time
    admin.run(&format!("ALTER DATABASE {quoted} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")).await?;
    admin
        .query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1", &[&name])
        .await
        .map(drop)
}

/// Copying a database through the log needs no checkpoint, but exists from PostgreSQL 15 on.
async fn has_wal_log(admin: &Admin) -> Result<bool, LocalError> {
    let row = admin.query("SELECT current_setting('server_version_num')::int >= 150000", &[]).await?;
    Ok(row.is_some_and(|row| row.get(0)))
}
