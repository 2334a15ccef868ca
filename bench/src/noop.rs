//! A job that does nothing but be counted, and say when it began.

use jobs::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// How many have run.
pub static RUN: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::channel(0).0);

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// When the last one began.
pub static BEGAN: Mutex<Option<Instant>> = Mutex::new(None);

/// About 180 bytes of payload, as most jobs have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Noop {
    number: usize,
    padding: String,
}

impl Noop {
    /// One of many.
    pub fn new(number: usize) -> Self {
        Self { number, padding: "x".repeat(140) }
    }
}

impl Job for Noop {
    const KIND: &'static str = "bench_noop";
    const QUEUE: Queue = Queue::Events;

    async fn run(self, _: JobContext) -> Result<Decision, JobError> {
        ran();
        Ok(Decision::done())
    }
}

/// Counts one run.
pub fn ran() {
    *BEGAN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    RUN.send_replace(count);
}

/// Starts counting from zero.
pub fn reset() {
    COUNT.store(0, Ordering::Relaxed);
    RUN.send_replace(0);
}

/// Waits until that many have run.
pub async fn wait_for(count: usize) {
    let mut run = RUN.subscribe();
    run.wait_for(|ran| *ran >= count).await.expect("the sender is static");
}
