//! From enqueue to the first line of the run, on an idle system: one job at a time.

use crate::ground::Ground;
use crate::noop::{self, BEGAN, Noop};
use crate::report::Report;
use jobs::kinds::registry::Registry;
use jobs::{NewJob, Queue};
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use tests::crew::{Feeder, Workers};
use workers::{QueueSlots, WorkerConfig};

/// Between two jobs: long enough for the worker to block on Redis again.
const PAUSE: Duration = Duration::from_millis(20);

/// Measures `count` jobs.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let services = ground.services(&[])?;
    let config = WorkerConfig::new(vec![QueueSlots { queue: Queue::Events, slots: 16 }]);
    let workers = Workers::start(&ground.services(&[])?, Registry::new().with::<Noop>(), config);
    let _feeder = Feeder::start(&services);
    let mut waits = Vec::with_capacity(count);
    for number in 0..count + 20 {
        noop::reset();
        let start = Instant::now();
        services.enqueue_now(&[NewJob::of(&Noop::new(number))?]).await?;
        noop::wait_for(1).await;
        let began = BEGAN.lock().unwrap_or_else(PoisonError::into_inner).expect("it ran");
        if number >= 20 {
            waits.push(began.duration_since(start));
        }
        tokio::time::sleep(PAUSE).await;
    }
    workers.stop().await;
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() * share / 100).min(waits.len() - 1)].as_secs_f64() * 1_000.0;
    let figure = format!("p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
    report.add("enqueue to start, idle, commit included", figure, "target: p50 under 10 ms");
    Ok(())
}
