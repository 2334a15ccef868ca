//! Pushing: through apalis-redis's own script, in small portions, and never past [`HIGH_WATER`].

use super::{HIGH_WATER, bell, config, redis_error, scripts};
use crate::queue::job::{Priority, Queue};
use crate::queue::redis::Redis;
use crate::queue::transport::Parcel;
use apalis::prelude::{TaskBuilder, TaskId};
use apalis_redis::{RedisTask, queries};
use redis::aio::ConnectionManager;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Ids a portion holds at most: what pushers under way at once may add before anything is promoted.
const PORTION: usize = 200;

/// Pushes ids, in their order within each level. Answers those for which a level has no room: they stay in the ledger
/// until it has.
pub async fn push(redis: &Redis, parcels: &[Parcel]) -> Result<Vec<Parcel>, redis::RedisError> {
    let mut levels: BTreeMap<(Queue, Priority), Vec<Parcel>> = BTreeMap::new();
    for parcel in parcels {
        levels.entry((parcel.queue, parcel.priority)).or_default().push(*parcel);
    }
    let mut refused = Vec::new();
    for ((queue, level), parcels) in levels {
        refused.extend(push_level(redis, queue, level, parcels).await?);
    }
    Ok(refused)
}

async fn push_level(
    redis: &Redis,
    queue: Queue,
    level: Priority,
    mut parcels: Vec<Parcel>,
) -> Result<Vec<Parcel>, redis::RedisError> {
    let (config, mut connection) = (config(redis, queue, level), redis.connection());
    while !parcels.is_empty() {
        let waiting = backlog(redis, &[(queue, level)]).await?.first().copied().unwrap_or(0);
        let room = usize::try_from(HIGH_WATER.saturating_sub(waiting)).unwrap_or(usize::MAX);
        if room == 0 {
            break;
        }
        let rest = parcels.split_off(room.min(PORTION).min(parcels.len()));
        let tasks: Vec<RedisTask> = parcels.iter().map(|parcel| task(parcel.id)).collect();
        queries::push_tasks(&mut connection, &config, &tasks).await.map_err(redis_error)?;
        scripts::promote(&mut connection, &config).await?;
        ring(&mut connection, redis, queue).await?;
        parcels = rest;
    }
    Ok(parcels)
}

/// A task of its own for each push: apalis-redis ignores a name it knows, even if that one is just being handled.
/// Names order by time, which is the order in which one second's tasks are promoted.
fn task(job: Uuid) -> RedisTask {
    TaskBuilder::new(job.to_string().into_bytes()).task_id(TaskId::from_string(Uuid::now_v7().to_string())).build()
}

/// Has the idle workers of a queue look.
pub async fn ring(connection: &mut ConnectionManager, redis: &Redis, queue: Queue) -> Result<(), redis::RedisError> {
    redis::cmd("PUBLISH").arg(bell::channel(redis, queue)).arg("").query_async(connection).await
}

/// How many ids wait on each level.
pub async fn backlog(redis: &Redis, levels: &[(Queue, Priority)]) -> Result<Vec<u64>, redis::RedisError> {
    let mut pipe = redis::pipe();
    for (queue, level) in levels {
        let config = config(redis, *queue, *level);
        pipe.cmd("LLEN").arg(config.active_jobs_list()).cmd("ZCARD").arg(config.scheduled_jobs_set());
    }
    let counts: Vec<u64> = pipe.query_async(&mut redis.connection()).await?;
    Ok(counts.chunks(2).map(|pair| pair.iter().sum()).collect())
}
