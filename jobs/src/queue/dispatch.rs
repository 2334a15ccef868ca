//! Telling workers of committed jobs by pushing their ids to Redis: quick, best effort.
//!
//! A push that fails is logged once and forgotten: the relay pushes whatever was committed and not dispatched.

use super::job::{Priority, Queue};
use super::redis::Redis;
use super::transport::{self, Parcel};
use schema::ledger::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Ids of one enqueueing that are pushed to one queue; the relay feeds workers the rest as they have room.
pub const FAST_PATH: usize = 256;

/// A caller never waits longer than this for Redis.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long Redis is left alone after a push failed.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// A job that was enqueued, or the living one whose unique key it shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job's id.
    pub id: Uuid,
    /// Which workers run it.
    pub queue: Queue,
    /// Which stream carries it.
    pub priority: Priority,
    /// Whether it may be pushed now, new or woken; otherwise the relay does so in time, or it was pushed before.
    pub due: bool,
    /// Whether it was there before.
    pub existed: bool,
}

/// Pushes ids; cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    redis: Redis,
    failure: Arc<Failure>,
}

/// When pushing last failed, as milliseconds since `start`, or zero.
struct Failure {
    start: Instant,
    at: AtomicU64,
}

impl Dispatcher {
    /// Pushes through that Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, failure: Arc::new(Failure { start: Instant::now(), at: AtomicU64::new(0) }) }
    }

    /// Pushes those that may run now. Call after commit; never fails and takes a quarter of a second at most.
    pub async fn push(&self, jobs: &[Enqueued]) {
        let parcels = jobs.iter().filter(|job| job.due).map(|job| Parcel {
            id: job.id,
            queue: job.queue,
            priority: job.priority,
        });
        self.send(parcels.collect()).await;
    }

    /// Pushes jobs the ledger has made available.
    pub async fn push_ready(&self, jobs: &[Ready]) {
        let parcels = jobs.iter().filter_map(|job| {
            let queue = Queue::from_name(&job.queue)?;
            Some(Parcel { id: job.id, queue, priority: Priority::from_level(job.priority) })
        });
        self.send(parcels.take(FAST_PATH).collect()).await;
    }

    async fn send(&self, parcels: Vec<Parcel>) {
        if parcels.is_empty() || self.failure.is_recent() {
            return;
        }
        match tokio::time::timeout(PATIENCE, transport::push(&self.redis, &parcels)).await {
            // what the transport has no room for is the relay's
            Ok(Ok(_refused)) => self.failure.clear(),
            Ok(Err(error)) => self.failure.note(&error),
            Err(elapsed) => self.failure.note(&elapsed),
        }
    }
}

impl Failure {
    fn is_recent(&self) -> bool {
        match self.at.load(Ordering::Relaxed) {
            0 => false,
            at => self.start.elapsed() < Duration::from_millis(at) + COOL_DOWN,
        }
    }

    fn note(&self, error: &(dyn std::error::Error + 'static)) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        if self.at.swap(now, Ordering::Relaxed) == 0 {
            tracing::warn!(error, "Redis does not take new jobs: the relay will push them once it does");
        }
    }

    fn clear(&self) {
        if self.at.load(Ordering::Relaxed) != 0 && self.at.swap(0, Ordering::Relaxed) != 0 {
            tracing::info!("Redis takes new jobs again");
        }
    }
}
