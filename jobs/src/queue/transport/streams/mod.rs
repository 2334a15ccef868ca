//! Redis Streams: a stream for each level of a queue, read by one consumer group.

mod carrier;
mod janitor;
mod reader;

pub use carrier::StreamsCarrier;

use super::Parcel;
use crate::queue::job::{Priority, Queue};
use crate::queue::redis::Redis;
use std::collections::HashMap;

/// The group all workers of a queue read as.
pub const GROUP: &str = "workers";

/// The field of an entry that holds the job's id.
pub const FIELD: &str = "job";

/// Entries a command adds at most, so that one push never holds up Redis.
const PUSH_CHUNK: usize = 500;

/// Appends ids to their streams.
pub async fn push(redis: &Redis, parcels: &[Parcel]) -> Result<(), redis::RedisError> {
    let mut keys: HashMap<(Queue, Priority), String> = HashMap::new();
    let mut connection = redis.connection();
    let mut text = uuid::Uuid::encode_buffer();
    for chunk in parcels.chunks(PUSH_CHUNK) {
        let mut pipe = redis::pipe();
        for parcel in chunk {
            let key = keys
                .entry((parcel.queue, parcel.priority))
                .or_insert_with(|| redis.carrier_key(parcel.queue, parcel.priority));
            let id: &str = parcel.id.as_hyphenated().encode_lower(&mut text);
            pipe.cmd("XADD").arg(&*key).arg("*").arg(FIELD).arg(id).ignore();
        }
        pipe.query_async::<()>(&mut connection).await?;
    }
    Ok(())
}

/// The length of each stream; entries are deleted as soon as their jobs are recorded.
pub async fn backlog(redis: &Redis, levels: &[(Queue, Priority)]) -> Result<Vec<u64>, redis::RedisError> {
    let mut pipe = redis::pipe();
    for (queue, priority) in levels {
        pipe.cmd("XLEN").arg(redis.carrier_key(*queue, *priority));
    }
    pipe.query_async(&mut redis.connection()).await
}
