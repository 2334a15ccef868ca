//! Queues: `/api/queues`. How full they are, who works on them, and a switch.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use jobs::{
    Queue as QueueName,
    queue::admin::{self, Bounded, Counts, QueueOverview, WorkerView},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};

/// Queues.
pub struct QueuesApi;

/// A count that may have stopped early.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Depth {
    /// Jobs, counted up to 10,000.
    count: i64,
    /// Whether there may be more.
    at_least: bool,
}

impl From<Bounded> for Depth {
    fn from(bounded: Bounded) -> Self {
        Self { count: bounded.count, at_least: bounded.at_least }
    }
}

/// Jobs by state.
#[derive(Object)]
struct Depths {
    /// Due, and waiting for a worker.
    available: Depth,
    /// Not due yet, or waiting for another job.
    scheduled: Depth,
    /// Being done.
    running: Depth,
    /// Given up, and still kept.
    discarded: Depth,
}

/// Attempts that ended, by how.
#[derive(Object)]
struct Ended {
    /// Well.
    succeeded: i64,
    /// To be tried again.
    retried: i64,
    /// Put off.
    snoozed: i64,
    /// Given up.
    discarded: i64,
    /// Cancelled.
    cancelled: i64,
}

impl From<Counts> for Ended {
    fn from(counts: Counts) -> Self {
        Self {
            succeeded: counts.succeeded,
            retried: counts.retried,
            snoozed: counts.snoozed,
            discarded: counts.discarded,
            cancelled: counts.cancelled,
        }
    }
}

/// What was done lately.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Throughput {
    /// In the last five minutes.
    last_five_minutes: Ended,
    /// In the last hour.
    last_hour: Ended,
}

/// A process that serves the queue.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Worker {
    /// Unique to the process.
    id: String,
    /// Where it runs.
    host: String,
    /// Its process id there.
    pid: i32,
    /// Jobs of this queue it does at once.
    slots: u32,
    /// Jobs of all its queues it is doing.
    running: i32,
    /// Since when it runs.
    started_at: DateTime<Utc>,
    /// When it was last heard of.
    heartbeat_at: DateTime<Utc>,
}

impl From<WorkerView> for Worker {
    fn from(worker: WorkerView) -> Self {
        Self {
            id: worker.id,
            host: worker.host,
            pid: worker.pid,
            slots: worker.slots,
            running: worker.running,
            started_at: worker.started_at,
            heartbeat_at: worker.heartbeat_at,
        }
    }
}

/// One queue at a glance.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Queue {
    /// Its name.
    name: String,
    /// Jobs by state.
    depth: Depths,
    /// Seconds since the oldest waiting job was due.
    oldest_age_seconds: Option<i64>,
    /// What was done lately.
    throughput: Throughput,
    /// Whether no job of it is begun.
    paused: bool,
    /// Since when.
    paused_at: Option<DateTime<Utc>>,
    /// By whom.
    paused_by: Option<String>,
    /// Who serves it.
    workers: Vec<Worker>,
}

impl From<QueueOverview> for Queue {
    fn from(overview: QueueOverview) -> Self {
        Self {
            name: overview.queue.name().to_owned(),
            depth: Depths {
                available: overview.available.into(),
                scheduled: overview.scheduled.into(),
                running: overview.running.into(),
                discarded: overview.discarded.into(),
            },
            oldest_age_seconds: overview.oldest_age.map(|age| age.num_seconds()),
            throughput: Throughput {
                last_five_minutes: overview.last_five_minutes.into(),
                last_hour: overview.last_hour.into(),
            },
            paused: overview.paused.is_some(),
            paused_at: overview.paused.as_ref().map(|paused| paused.paused_at),
            paused_by: overview.paused.and_then(|paused| paused.paused_by),
            workers: overview.workers.into_iter().map(Worker::from).collect(),
        }
    }
}

/// All queues.
#[derive(Object)]
struct Queues {
    /// In a fixed order.
    queues: Vec<Queue>,
}

/// What became of a queue.
#[derive(Object)]
struct Switched {
    /// Which.
    name: String,
    /// Whether it is paused now.
    paused: bool,
    /// Whether it was otherwise before.
    changed: bool,
}

#[OpenApi(prefix_path = "/api/queues", tag = "Tag::Queues")]
impl QueuesApi {
    /// List queues
    ///
    /// Their depth by state, the age of the oldest waiting job, what was done lately, and who works on them.
    #[oai(path = "/", method = "get")]
    async fn list(&self, state: Data<&SharedState>, _caller: Guard<permit::QueuesView>) -> ApiResult<Reply<Queues>> {
        let queues = admin::overview(&state.services).await?;
        ok(Queues { queues: queues.into_iter().map(Queue::from).collect() })
    }

    /// Pause a queue
    ///
    /// From now on no worker begins a job of it; what runs, runs on.
    #[oai(path = "/:name/pause", method = "post")]
    async fn pause(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::QueuesManage>,
        name: Path<String>,
    ) -> ApiResult<Reply<Switched>> {
        let queue = find(&name.0)?;
        let changed = admin::pause(&state.services, queue, Some(&caller.email), &caller.actor()).await?;
        ok(Switched { name: name.0, paused: true, changed })
    }

    /// Resume a queue
    #[oai(path = "/:name/resume", method = "post")]
    async fn resume(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::QueuesManage>,
        name: Path<String>,
    ) -> ApiResult<Reply<Switched>> {
        let queue = find(&name.0)?;
        let changed = admin::resume(&state.services, queue, &caller.actor()).await?;
        ok(Switched { name: name.0, paused: false, changed })
    }
}

fn find(name: &str) -> ApiResult<QueueName> {
    QueueName::from_name(name).ok_or_else(|| ApiError::not_found("queue"))
}
