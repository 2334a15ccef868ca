//! What others do with the same jobs on the same machine.

use crate::ground::Ground;
use crate::noop::{self, Noop};
use crate::report::per_second;
use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use redis::streams::StreamReadReply;
use std::time::{Duration, Instant};

const BATCH: usize = 100;

/// Entries added in pipelines and read, acknowledged and deleted in batches, by one producer and one consumer.
pub async fn streams(ground: &Ground, count: usize) -> anyhow::Result<f64> {
    let client = redis::Client::open(ground.cluster.redis_url())?;
    let mut producer = client.get_multiplexed_async_connection().await?;
    let mut consumer = client.get_multiplexed_async_connection().await?;
    redis::cmd("XGROUP")
        .arg("CREATE")
        .arg("s")
        .arg("g")
        .arg("0")
        .arg("MKSTREAM")
        .query_async::<()>(&mut consumer)
        .await?;
    let start = Instant::now();
    let producing = tokio::spawn(async move {
        let numbers: Vec<usize> = (0..count).collect();
        for chunk in numbers.chunks(BATCH) {
            let mut pipe = redis::pipe();
            for number in chunk {
                let payload = serde_json::to_string(&Noop::new(*number))?;
                pipe.cmd("XADD").arg("s").arg("*").arg("d").arg(payload).ignore();
            }
            pipe.query_async::<()>(&mut producer).await?;
        }
        anyhow::Ok(())
    });
    let mut seen = 0;
    while seen < count {
        let reply: Option<StreamReadReply> = redis::cmd("XREADGROUP")
            .arg(&["GROUP", "g", "c", "COUNT", "100", "BLOCK", "1000", "STREAMS", "s", ">"])
            .query_async(&mut consumer)
            .await?;
        let ids: Vec<String> = reply
            .map(|reply| reply.keys)
            .unwrap_or_default()
            .into_iter()
            .flat_map(|key| key.ids.into_iter().map(|entry| entry.id))
            .collect();
        if ids.is_empty() {
            continue;
        }
        seen += ids.len();
        let mut pipe = redis::pipe();
        pipe.cmd("XACK").arg("s").arg("g").arg(&ids).ignore().cmd("XDEL").arg("s").arg(&ids).ignore();
        pipe.query_async::<()>(&mut consumer).await?;
    }
    producing.await??;
    Ok(per_second(count, start.elapsed().as_secs_f64()))
}

/// One apalis worker over apalis-redis alone, set up so that none of its known faults strikes.
pub async fn apalis_redis(ground: &Ground, count: usize) -> anyhow::Result<f64> {
    async fn work(_: Noop) -> Result<(), BoxDynError> {
        noop::ran();
        Ok(())
    }
    noop::reset();
    let settings = redis::aio::ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    let connection =
        redis::Client::open(ground.cluster.redis_url())?.get_connection_manager_with_config(settings).await?;
    let config = Config::default().queue("bench").batch_size(1).lock_tasks(false);
    let mut storage: RedisStorage<Noop> = RedisStorage::new(connection).with_config(config);
    let backend = storage.clone().poll_with_interval(Duration::from_millis(10));
    let monitor = Monitor::new().register(move |run| {
        WorkerBuilder::new(format!("bench-{run}")).backend(backend.clone()).concurrency(256).build(work)
    });
    let context = monitor.context();
    let working = tokio::spawn(monitor.run());
    let start = Instant::now();
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(BATCH) {
        let tasks = chunk.iter().map(|number| Noop::new(*number)).collect();
        storage.push_bulk(tasks).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    noop::wait_for(count).await;
    let seconds = start.elapsed().as_secs_f64();
    let _stopping = context.shutdown();
    working.abort();
    Ok(per_second(count, seconds))
}
