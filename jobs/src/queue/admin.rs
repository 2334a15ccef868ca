//! What people and programs may ask of the queue: look, wait, cancel, retry, pause, resume.

use super::events::JobEvent;
use super::job::Queue;
use crate::services::Services;
use chrono::{DateTime, TimeDelta, Utc};
use schema::audit::{self, Actor, Entity, Entry};
use schema::ledger::{cancel, list, minutes, overview, pause, retry, workers};
use schema::{AsyncConnection, DbError};
use serde_json::json;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use uuid::Uuid;

pub use schema::ledger::JobState;
pub use schema::ledger::cancel::Cancelled;
pub use schema::ledger::list::{Bounded, JobFilter, JobRow};
pub use schema::ledger::minutes::Counts;
pub use schema::ledger::pause::Paused;
pub use schema::ledger::retry::Retried;

/// A worker not heard of for this long is no longer shown; it tells of itself every five seconds.
const WORKER_SILENCE: Duration = Duration::from_secs(30);

/// How often whoever waits looks the job up, in case word of its end was lost.
const LOOK_UP: Duration = Duration::from_secs(1);

/// A page of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<JobRow>,
    /// How many match.
    pub total: Bounded,
}

/// One queue at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueOverview {
    /// Which.
    pub queue: Queue,
    /// Due, and waiting for a worker.
    pub available: Bounded,
    /// Not due yet, or waiting for another job.
    pub scheduled: Bounded,
    /// Leased by workers.
    pub running: Bounded,
    /// Given up and still kept.
    pub discarded: Bounded,
    /// How long the oldest waiting job has been due.
    pub oldest_age: Option<TimeDelta>,
    /// Attempts that ended in the last five minutes.
    pub last_five_minutes: Counts,
    /// Attempts that ended in the last hour.
    pub last_hour: Counts,
    /// Since when and by whom it is paused.
    pub paused: Option<Paused>,
    /// The processes that serve it.
    pub workers: Vec<WorkerView>,
}

/// A worker process, as one of its queues sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// Unique to the process.
    pub id: String,
    /// Where it runs.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// Jobs of this queue it runs at once.
    pub slots: u32,
    /// Jobs of all its queues it is running.
    pub running: i32,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub heartbeat_at: DateTime<Utc>,
}

/// One job.
pub async fn get(services: &Services, id: Uuid) -> Result<Option<JobRow>, DbError> {
    list::get(&mut *services.db.get().await?, id).await
}

/// A page of jobs, newest first, from page 1 on. Pages past the ten-thousandth row are empty: filter, or go on from
/// [`JobFilter::before`].
pub async fn page(services: &Services, filter: &JobFilter, page: u32, limit: u32) -> Result<JobPage, DbError> {
    let offset = i64::from(page.max(1) - 1) * i64::from(limit);
    let mut connection = services.db.get().await?;
    let total = list::count(&mut connection, filter).await?;
    let jobs = match offset < list::COUNT_LIMIT {
        true => list::list(&mut connection, filter, offset, i64::from(limit)).await?,
        false => Vec::new(),
    };
    Ok(JobPage { jobs, total })
}

/// Waits until the job has ended, at most `timeout`, and answers with it as it is then.
pub async fn wait(services: &Services, id: Uuid, timeout: Duration) -> Result<Option<JobRow>, DbError> {
    let deadline = Instant::now() + timeout;
    let mut events = services.events.subscribe();
    loop {
        let job = get(services, id).await?;
        if job.as_ref().is_none_or(|job| job.state.is_terminal()) || Instant::now() >= deadline {
            return Ok(job);
        }
        let look_up = deadline.min(Instant::now() + LOOK_UP);
        let told = async {
            loop {
                match events.recv().await {
                    Ok(event) if event.id == id => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // either way the job is looked up
        let _heard = tokio::time::timeout_at(look_up, told).await;
    }
}

/// Cancels a job that waits; asks the worker of one that runs to stop it, which it does within a second or two. The audit
/// log tells who did.
pub async fn cancel(services: &Services, id: Uuid, by: &Actor) -> Result<Cancelled, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let cancelled = connection
        .transaction::<_, DbError, _>(async |connection| {
            let cancelled = cancel::cancel(connection, now, id).await?;
            let at_once = match &cancelled {
                Cancelled::Now { .. } => true,
                Cancelled::Requested => false,
                Cancelled::TooLate(_) | Cancelled::Unknown => return Ok(cancelled),
            };
            let entry = by.entry("job.cancelled", Entity::job(id)).after(json!({"atOnce": at_once}));
            audit::record(connection, &[entry]).await?;
            Ok(cancelled)
        })
        .await?;
    drop(connection);
    if let Cancelled::Now { released, ended } = &cancelled {
        services.dispatcher.push_ready(released).await;
        let state = JobState::Cancelled;
        services.events.publish(ended.iter().map(|id| JobEvent { id: *id, state }).collect());
    }
    Ok(cancelled)
}

/// Starts a discarded or cancelled job anew, with all its attempts. The audit log tells who did.
pub async fn retry(services: &Services, id: Uuid, by: &Actor) -> Result<Retried, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let retried = connection
        .transaction::<_, DbError, _>(async |connection| {
            let retried = retry::retry(connection, now, id).await?;
            if matches!(retried, Retried::Ready(_) | Retried::Waiting) {
                audit::record(connection, &[by.entry("job.retried", Entity::job(id))]).await?;
            }
            Ok(retried)
        })
        .await?;
    drop(connection);
    if let Retried::Ready(ready) = &retried {
        services.dispatcher.push_ready(std::slice::from_ref(ready)).await;
    }
    Ok(retried)
}

/// Pauses a queue: from now on no worker begins a job of it. `false` if it was paused already. `name` is shown with the
/// queue; the audit log tells who did it.
pub async fn pause(services: &Services, queue: Queue, name: Option<&str>, by: &Actor) -> Result<bool, DbError> {
    let mut connection = services.db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let changed = pause::pause(connection, queue.name(), name).await?;
            if changed {
                audit::record(connection, &[switched(by, "queue.paused", queue, true)]).await?;
            }
            Ok(changed)
        })
        .await
}

/// Resumes a queue. `false` if it was not paused. The audit log tells who did it.
pub async fn resume(services: &Services, queue: Queue, by: &Actor) -> Result<bool, DbError> {
    let mut connection = services.db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let changed = pause::resume(connection, queue.name()).await?;
            if changed {
                audit::record(connection, &[switched(by, "queue.resumed", queue, false)]).await?;
            }
            Ok(changed)
        })
        .await
}

fn switched(by: &Actor, action: &'static str, queue: Queue, paused: bool) -> Entry {
    let entry = by.entry(action, Entity::named("queue", queue.name()));
    entry.before(json!({"paused": !paused})).after(json!({"paused": paused}))
}

/// All queues at a glance.
pub async fn overview(services: &Services) -> Result<Vec<QueueOverview>, DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let names = Queue::ALL.map(Queue::name);
    let depths = overview::depths(&mut connection, now, &names).await?;
    let paused = pause::paused(&mut connection).await?;
    let lately = minutes::throughput(&mut connection, 5).await?;
    let hour = minutes::throughput(&mut connection, 60).await?;
    let workers = workers::alive(&mut connection, WORKER_SILENCE).await?;
    let counts = |from: &[minutes::Throughput], queue: &str| {
        from.iter().find(|row| row.queue == queue).map(counts).unwrap_or_default()
    };
    let queues = depths.into_iter().filter_map(|depth| {
        let queue = Queue::from_name(&depth.queue)?;
        Some(QueueOverview {
            queue,
            available: depth.available,
            scheduled: depth.scheduled,
            running: depth.running,
            discarded: depth.discarded,
            oldest_age: depth.oldest_due.map(|due| (now - due).max(TimeDelta::zero())),
            last_five_minutes: counts(&lately, queue.name()),
            last_hour: counts(&hour, queue.name()),
            paused: paused.iter().find(|paused| paused.name == queue.name()).cloned(),
            workers: workers.iter().filter_map(|worker| view(worker, queue)).collect(),
        })
    });
    Ok(queues.collect())
}

fn counts(row: &minutes::Throughput) -> Counts {
    Counts {
        succeeded: row.succeeded,
        retried: row.retried,
        snoozed: row.snoozed,
        discarded: row.discarded,
        cancelled: row.cancelled,
    }
}

fn view(worker: &workers::Worker, queue: Queue) -> Option<WorkerView> {
    let slots = worker.queues.get(queue.name())?.as_u64()?;
    Some(WorkerView {
        id: worker.id.clone(),
        host: worker.host.clone(),
        pid: worker.pid,
        slots: u32::try_from(slots).unwrap_or(u32::MAX),
        running: worker.running,
        started_at: worker.started_at,
        heartbeat_at: worker.heartbeat_at,
    })
}
