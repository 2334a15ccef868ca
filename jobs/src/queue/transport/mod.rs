//! What carries ids to workers: pushing, and how much is still waiting. Reading is each transport's own apalis backend.
//!
//! A transport carries ids and decides nothing: it may lose them, repeat them or deliver them late, and the ledger makes
//! good. Failures are Redis errors; whoever pushes leaves the rest to the relay.

pub mod streams;

use super::job::{Priority, Queue};
use super::redis::{Redis, Transport};
use uuid::Uuid;

/// An id, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel {
    /// The job.
    pub id: Uuid,
    /// To which workers.
    pub queue: Queue,
    /// On which level.
    pub priority: Priority,
}

/// Pushes ids, in their order within each level.
pub async fn push(redis: &Redis, parcels: &[Parcel]) -> Result<(), redis::RedisError> {
    match redis.transport() {
        Transport::Streams | Transport::ApalisRedis => streams::push(redis, parcels).await,
    }
}

/// How many ids wait on each level, in the order asked.
pub async fn backlog(redis: &Redis, levels: &[(Queue, Priority)]) -> Result<Vec<u64>, redis::RedisError> {
    match redis.transport() {
        Transport::Streams | Transport::ApalisRedis => streams::backlog(redis, levels).await,
    }
}
