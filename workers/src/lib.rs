//! Workers: take ids off the queues, lease the jobs, run them, record what came of them, acknowledge.
//!
//! apalis carries ids, limits concurrency and shuts down; attempts, backoff and outcome live in the ledger. A worker
//! that dies loses nothing: its leases run out and its jobs are rescued. Redis and PostgreSQL may come and go.

mod attempt;
mod carriers;
mod claimer;
mod config;
mod engine;
mod finisher;
mod heart;
mod outcome;
mod running;

pub use config::{QueueSlots, QueueSlotsError, WorkerConfig};

use engine::Engine;
use jobs::kinds::registry::Registry;
use jobs::services::SharedServices;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The workers cannot run on.
#[derive(Debug, thiserror::Error)]
pub enum WorkersError {
    /// apalis gave up.
    #[error("the workers stopped: {0}")]
    Stopped(String),
}

/// Serves the configured queues until `shutdown`, then drains: stops taking, finishes what it can within the drain
/// time-out, and gives the rest back without spending an attempt.
pub async fn run(
    services: SharedServices,
    registry: Registry,
    config: WorkerConfig,
    shutdown: CancellationToken,
) -> Result<(), WorkersError> {
    let engine = Arc::new(Engine::start(services, registry, &config));
    let drain = tokio::spawn(engine.clone().drain(config.drain_timeout, shutdown.clone()));
    let outcome = carriers::run(&engine, &config, shutdown).await;
    drain.abort();
    engine.stop().await;
    outcome
}
