//! What carries ids to workers: pushing, how much is still waiting, and the apalis backend that takes them.
//!
//! A transport carries ids and decides nothing: it may lose them, repeat them or deliver them late, and the ledger makes
//! good. Failures are Redis errors; whoever pushes leaves the rest to the relay.

mod acks;
pub mod apalis_redis;
mod backend;
mod carrier;
mod entry;
mod intake;
mod share;
pub mod streams;

pub use backend::{AcknowledgeLayer, CarrierBackend};
pub use carrier::CarrierConfig;

use self::apalis_redis::ApalisRedisCarrier;
use self::streams::StreamsCarrier;
use super::job::{Priority, Queue};
use super::redis::{Redis, Transport};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
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

/// Pushes ids, in their order within each level; answers those the transport has no room for.
pub async fn push(redis: &Redis, parcels: &[Parcel]) -> Result<Vec<Parcel>, redis::RedisError> {
    match redis.transport() {
        Transport::Streams => streams::push(redis, parcels).await.map(|()| Vec::new()),
        Transport::ApalisRedis => apalis_redis::push(redis, parcels).await,
    }
}

/// How many ids wait on each level, in the order asked.
pub async fn backlog(redis: &Redis, levels: &[(Queue, Priority)]) -> Result<Vec<u64>, redis::RedisError> {
    match redis.transport() {
        Transport::Streams => streams::backlog(redis, levels).await,
        Transport::ApalisRedis => apalis_redis::backlog(redis, levels).await,
    }
}

/// The backend of one worker of one queue; cancelling `stop` ends the taking at once.
pub fn backend(redis: &Redis, mut config: CarrierConfig, stop: CancellationToken) -> CarrierBackend {
    if redis.transport() == Transport::ApalisRedis {
        config.slots = config.slots.min(apalis_redis::MOST_HELD);
    }
    let carrier: Arc<dyn carrier::Carrier> = match redis.transport() {
        Transport::Streams => Arc::new(StreamsCarrier::new(redis.clone(), config.clone())),
        Transport::ApalisRedis => Arc::new(ApalisRedisCarrier::new(redis.clone(), config.clone())),
    };
    CarrierBackend::new(carrier, config, stop)
}
