//! Jobs per second: enqueued in one process, leased, run and recorded by workers, with the relay, PostgreSQL and Redis on
//! the same machine; against bare Redis Streams and against the same jobs on apalis-redis, neither of which keeps a
//! durable record.

use crate::ground::Ground;
use crate::noop::{self, Noop};
use crate::peers;
use crate::report::{Report, per_second, percent, thousands};
use jobs::kinds::registry::Registry;
use jobs::services::SharedServices;
use jobs::{NewJob, Queue};
use std::time::{Duration, Instant};
use tests::crew::{Feeder, Workers};
use tests::wait::until;
use workers::{QueueSlots, WorkerConfig};

/// Jobs of one transaction.
const BATCH: usize = 100;

/// Jobs at once.
const SLOTS: usize = 256;

/// Measures all four.
pub async fn run(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let streams = peers::streams(&Ground::new().await?, count).await?;
    report.add("bare Redis Streams", format!("{} jobs/s", thousands(streams)), "the limit: no record, no retry");
    let apalis = peers::apalis_redis(&Ground::new().await?, count).await?;
    report.add(
        "apalis-redis, as its settings avoid its faults",
        format!("{} jobs/s", thousands(apalis)),
        "no durable record",
    );
    let ours = through_the_ledger(count, &[]).await?;
    let against = format!("{} of bare Streams, {:.1} times apalis-redis", percent(ours, streams), ours / apalis);
    report.add("durable jobs, whole ledger path", format!("{} jobs/s", thousands(ours)), against);
    let carried = through_the_ledger(count / 2, &[("QUEUE_TRANSPORT", "apalis-redis".to_owned())]).await?;
    let against = format!("{} of the default transport", percent(carried, ours));
    report.add("the same, carried by apalis-redis", format!("{} jobs/s", thousands(carried)), against);
    Ok(())
}

async fn through_the_ledger(count: usize, variables: &[(&str, String)]) -> anyhow::Result<f64> {
    let ground = Ground::new().await?;
    let services = ground.services(variables)?;
    let config = WorkerConfig::new(vec![QueueSlots { queue: Queue::Events, slots: SLOTS }]);
    let working = ground.services(variables)?;
    let workers = Workers::start(&working, Registry::new().with::<Noop>(), config);
    let _feeder = Feeder::start(&ground.services(variables)?);
    warm_up(&services).await?;
    noop::reset();
    let start = Instant::now();
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(BATCH) {
        let jobs: Result<Vec<NewJob>, _> = chunk.iter().map(|number| NewJob::of(&Noop::new(*number))).collect();
        services.enqueue_now(&jobs?).await?;
    }
    noop::wait_for(count).await;
    all_recorded(&ground).await?;
    let seconds = start.elapsed().as_secs_f64();
    workers.stop().await;
    Ok(per_second(count, seconds))
}

async fn warm_up(services: &SharedServices) -> anyhow::Result<()> {
    noop::reset();
    let jobs: Result<Vec<NewJob>, _> = (0..BATCH).map(|number| NewJob::of(&Noop::new(number))).collect();
    services.enqueue_now(&jobs?).await?;
    noop::wait_for(BATCH).await;
    Ok(())
}

/// A job counts once its outcome is committed.
async fn all_recorded(ground: &Ground) -> anyhow::Result<()> {
    let client = ground.connect().await?;
    until("all outcomes are recorded", Duration::from_secs(60), || async {
        let live = "SELECT 1 FROM jobs WHERE state IN ('scheduled', 'available', 'running') LIMIT 1";
        client.query_opt(live, &[]).await.expect("the ledger").is_none()
    })
    .await;
    Ok(())
}
