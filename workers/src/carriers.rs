//! apalis: one worker a queue, over the configured transport.

use crate::WorkersError;
use crate::config::WorkerConfig;
use crate::engine::{Engine, GRACE, NotTaken};
use apalis::prelude::*;
use jobs::queue::transport::{self, CarrierConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What apalis may take beyond the drain: one blocking read and a last round trip.
const SLACK: Duration = Duration::from_secs(5);

/// Runs until `shutdown`, and on until the runs under way have ended.
pub async fn run(engine: &Arc<Engine>, config: &WorkerConfig, shutdown: CancellationToken) -> Result<(), WorkersError> {
    let mut monitor = Monitor::new();
    for served in &config.queues {
        let engine = engine.clone();
        let stop = shutdown.clone();
        let (queue, slots) = (served.queue, served.slots);
        monitor = monitor.register(move |run| {
            let consumer = format!("{}-{run}", engine.name);
            let taking = CarrierConfig { queue, consumer: consumer.clone(), slots };
            WorkerBuilder::new(format!("{consumer}-{}", queue.name()))
                .backend(transport::backend(&engine.services.redis, taking, stop.child_token()))
                .data(engine.clone())
                .concurrency(slots)
                .catch_panic()
                .build(handle)
        });
    }
    let longest = config.drain_timeout + GRACE + SLACK;
    let signal = async move {
        shutdown.cancelled().await;
        Ok(())
    };
    monitor
        .should_restart(|_, _| true)
        .shutdown_timeout(longest)
        .run_with_signal(signal)
        .await
        .map_err(|error| WorkersError::Stopped(error.to_string()))
}

async fn handle(job: Uuid, engine: Data<Arc<Engine>>) -> Result<(), NotTaken> {
    engine.handle(job).await
}
