//! Whether a process can do its work: the database and Redis answer, and no migration is pending.
//!
//! A check never fails itself: what it could not find out is told as not ready. Answers are kept for a moment, so that
//! probes, however many, cost the servers next to nothing.

use super::build::redis_manager;
use redis::aio::ConnectionManager;
use schema::{Db, DbConfig, DbError, migrate};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// A check that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);
/// How long a database without pending migrations is taken to stay so.
const MIGRATED: Duration = Duration::from_secs(60);

/// How one dependency is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whether it can be used.
    pub ok: bool,
    /// What is wrong, in words that give nothing away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Check {
    fn of(problem: Option<String>) -> Self {
        Self { ok: problem.is_none(), problem }
    }
}

/// How the process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// PostgreSQL.
    pub database: Check,
    /// Redis.
    pub redis: Check,
    /// The tables are as this program needs them.
    pub migrations: Check,
}

impl Readiness {
    /// Whether all is well.
    pub fn is_ready(&self) -> bool {
        self.database.ok && self.redis.ok && self.migrations.ok
    }
}

/// Looks after the dependencies; clones share what was found.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    db: Db,
    database_url: SecretString,
    redis: ConnectionManager,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    readiness: Option<(Instant, Readiness)>,
    migrated: Option<Instant>,
}

impl Health {
    /// Over the process's own pool, so that an exhausted pool shows. Fails on an unreadable Redis URL.
    pub fn new(db: Db, database: &DbConfig, redis_url: &SecretString) -> redis::RedisResult<Self> {
        let redis = redis_manager(redis_url)?;
        let database_url = database.url.clone();
        Ok(Self(Arc::new(Inner { db, database_url, redis, found: Mutex::default() })))
    }

    /// Looks, unless it has just been looked; callers at the same time share one look.
    pub async fn readiness(&self) -> Readiness {
        let mut found = self.0.found.lock().await;
        if let Some((at, readiness)) = &found.readiness
            && at.elapsed() < FRESH
        {
            return readiness.clone();
        }
        let migrated = found.migrated.is_some_and(|at| at.elapsed() < MIGRATED);
        let (database, redis, migrations) = tokio::join!(self.database(), self.redis(), self.migrations(migrated));
        if migrations.ok && !migrated {
            found.migrated = Some(Instant::now());
        }
        let readiness = Readiness { database, redis, migrations };
        found.readiness = Some((Instant::now(), readiness.clone()));
        readiness
    }

    async fn database(&self) -> Check {
        look("database", self.0.db.ping()).await.map_or_else(|problem| Check::of(Some(problem)), |()| Check::of(None))
    }

    async fn redis(&self) -> Check {
        let mut redis = self.0.redis.clone();
        let ping = async move { redis::cmd("PING").query_async::<String>(&mut redis).await };
        look("redis", ping).await.map_or_else(|problem| Check::of(Some(problem)), |_| Check::of(None))
    }

    async fn migrations(&self, known: bool) -> Check {
        if known {
            return Check::of(None);
        }
        let pending = async { migrate::pending(self.0.database_url.expose_secret()).await as Result<usize, DbError> };
        Check::of(match look("migrations", pending).await {
            Ok(0) => None,
            Ok(pending) => Some(format!("{pending} pending: run `renewals migrate up`")),
            Err(problem) => Some(problem),
        })
    }
}

async fn look<T, E: std::error::Error + 'static>(
    name: &'static str,
    check: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::warn!(check = name, error = &error as &dyn std::error::Error, "not ready");
            Err("no answer".to_owned())
        }
        Err(_) => {
            tracing::warn!(check = name, "not ready: no answer in time");
            Err(format!("no answer within {} s", PATIENCE.as_secs()))
        }
    }
}
