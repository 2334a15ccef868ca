//! The scheduler: makes happen what is due, and puts right what was cut short.
//!
//! Every tick is a set of statements that any number of schedulers may run at the same time and that may be cut off
//! anywhere: what they agree on is in the database. A tick's failure is logged and retried; none ends the program.

mod config;
mod tick;
pub mod ticks;

pub use config::SchedulerConfig;
pub use tick::{Next, Tick, TickError};

use jobs::services::SharedServices;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long ticks under way may go on after a signal to stop; cut off, they take no effect.
pub const DRAIN: Duration = Duration::from_secs(5);

/// Runs all ticks until `shutdown`.
pub async fn run(services: SharedServices, config: SchedulerConfig, shutdown: CancellationToken) {
    run_ticks(ticks::all(&services, &config), shutdown).await;
}

/// Runs the given ticks until `shutdown`.
pub async fn run_ticks(ticks: Vec<Tick>, shutdown: CancellationToken) {
    let mut running = JoinSet::new();
    for tick in ticks {
        running.spawn(tick.keep_up(shutdown.clone()));
    }
    shutdown.cancelled().await;
    let drained = tokio::time::timeout(DRAIN, async { while running.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(left = running.len(), "ticks were cut off");
        running.shutdown().await;
    }
}
