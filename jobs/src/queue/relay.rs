//! The relay: feeds Redis whatever the ledger holds that is due and has not been pushed, and notices when Redis has
//! lost what it was told.
//!
//! Any number may run at once and any may die at any time: rows are locked while they are picked, and whatever was
//! picked and not pushed is found again by [`sweep`]. Fails when a server does not answer; the next tick tries again.

use super::job::{Priority, Queue};
use super::transport::{self, Parcel};
use crate::services::{Services, SharedServices};
use chrono::TimeDelta;
use schema::ledger::relay::Room;
use schema::ledger::{Ready, epoch, relay};
use schema::{AsyncConnection, DbError};
use uuid::Uuid;

/// Ids of one level of a queue up to which the relay fills Redis; the rest waits in the ledger, where nothing is lost.
/// Well under the 8,000 due tasks at which apalis-redis stops working.
pub const LEVEL_CAP: u64 = 2_000;

/// How long an available job is left to the fast path.
const GRACE: TimeDelta = TimeDelta::seconds(2);

/// How long a dispatched job may wait before it is taken for lost, if its level has room.
const LOST: TimeDelta = TimeDelta::seconds(60);

/// A server did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// PostgreSQL.
    #[error("the ledger cannot be read")]
    Ledger(#[from] DbError),
    /// Redis.
    #[error("Redis cannot be told of jobs")]
    Redis(#[from] redis::RedisError),
}

/// What one tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tick {
    /// Ids pushed.
    pub pushed: usize,
    /// Whether a level was filled up, so that more may be due.
    pub full: bool,
}

/// Pushes what is due.
#[derive(Clone)]
pub struct Relay {
    services: SharedServices,
}

impl Relay {
    /// A relay over these services.
    pub fn new(services: SharedServices) -> Self {
        Self { services }
    }

    /// Fills every level of every queue that is not paused up to [`LEVEL_CAP`]. To be called every 200 ms.
    pub async fn tick(&self) -> Result<Tick, RelayError> {
        let rooms = rooms(&self.services).await?;
        let now = self.services.clock.now();
        let picked = relay::pick(&mut *self.services.db.get().await?, now, now - GRACE, &rooms).await?;
        if picked.is_empty() {
            return Ok(Tick::default());
        }
        let parcels: Vec<Parcel> = picked.iter().filter_map(parcel).collect();
        let refused = match transport::push(&self.services.redis, &parcels).await {
            Ok(refused) => refused,
            Err(error) => {
                self.take_back(&picked.iter().map(|ready| ready.id).collect::<Vec<_>>()).await;
                return Err(error.into());
            }
        };
        if !refused.is_empty() {
            self.take_back(&refused.iter().map(|parcel| parcel.id).collect::<Vec<_>>()).await;
        }
        let full = rooms.iter().any(|room| {
            let taken = picked.iter().filter(|ready| ready.queue == room.queue && ready.priority == room.priority);
            i64::try_from(taken.count()).is_ok_and(|taken| taken > 0 && taken >= room.room)
        });
        Ok(Tick { pushed: parcels.len() - refused.len(), full })
    }

    /// Best effort: what stays marked is found by the sweep.
    async fn take_back(&self, ids: &[Uuid]) {
        let taken_back = async { relay::take_back(&mut *self.services.db.get().await?, ids).await };
        if let Err(error) = taken_back.await {
            tracing::warn!(%error, jobs = ids.len(), "jobs that were not pushed stay marked until the sweep");
        }
    }
}

/// Has jobs pushed again that were dispatched a minute ago and are still unclaimed although their level has room;
/// answers how many. To be called every 15 s.
pub async fn sweep(services: &Services) -> Result<usize, RelayError> {
    let rooms = rooms(services).await?;
    let before = services.clock.now() - LOST;
    Ok(relay::sweep(&mut *services.db.get().await?, before, &rooms).await?)
}

/// Has everything that waits pushed again if Redis is not the one it was: restarted, emptied, replaced, or read through
/// another transport. Answers how many jobs, or `None` if nothing has changed. To be called every second.
pub async fn check_epoch(services: &Services) -> Result<Option<usize>, RelayError> {
    let mut connection = services.db.get().await?;
    let known = epoch::known(&mut connection).await?;
    if known.is_some() && known == seen(services).await? {
        return Ok(None);
    }
    connection
        .transaction::<_, RelayError, _>(async |connection| {
            let known = epoch::lock(connection).await?;
            // another relay may have been here first
            if seen(services).await?.is_some_and(|seen| seen == known) {
                return Ok(None);
            }
            begin_epoch(services).await?;
            let Some(seen) = seen(services).await? else { return Ok(None) };
            let forgotten = epoch::forget_dispatches(connection).await?;
            epoch::record(connection, &seen).await?;
            Ok(Some(forgotten))
        })
        .await
}

/// Redis as it is now; `None` if it has no epoch.
async fn seen(services: &Services) -> Result<Option<String>, redis::RedisError> {
    let (epoch, info): (Option<String>, String) = redis::pipe()
        .cmd("GET")
        .arg(services.redis.key("epoch"))
        .cmd("INFO")
        .arg("server")
        .query_async(&mut services.redis.connection())
        .await?;
    let run = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim();
    Ok(epoch.map(|epoch| format!("{epoch}/{run}/{}", services.redis.transport().name())))
}

async fn begin_epoch(services: &Services) -> Result<(), redis::RedisError> {
    redis::cmd("SET")
        .arg(services.redis.key("epoch"))
        .arg(Uuid::new_v4().to_string())
        .arg("NX")
        .query_async(&mut services.redis.connection())
        .await
}

/// How much each level has room for; full ones are left out.
async fn rooms(services: &Services) -> Result<Vec<Room>, redis::RedisError> {
    let levels: Vec<(Queue, Priority)> =
        Queue::ALL.iter().flat_map(|queue| Priority::ALL.map(|priority| (*queue, priority))).collect();
    let backlog = transport::backlog(&services.redis, &levels).await?;
    let rooms = levels.into_iter().zip(backlog).filter_map(|((queue, priority), waiting)| {
        let room = i64::try_from(LEVEL_CAP.saturating_sub(waiting)).unwrap_or(0);
        (room > 0).then(|| Room { queue: queue.name().to_owned(), priority: priority.level(), room })
    });
    Ok(rooms.collect())
}

fn parcel(ready: &Ready) -> Option<Parcel> {
    let queue = Queue::from_name(&ready.queue)?;
    Some(Parcel { id: ready.id, queue, priority: Priority::from_level(ready.priority) })
}

impl From<schema::QueryError> for RelayError {
    fn from(error: schema::QueryError) -> Self {
        Self::Ledger(error.into())
    }
}
