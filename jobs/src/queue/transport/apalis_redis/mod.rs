//! apalis-redis 1.0: its data in Redis, its scripts to push and take, its registration, heartbeats and recovery of what
//! a vanished worker held. A queue of its own for each level of ours.
//!
//! Chosen by `QUEUE_TRANSPORT=apalis-redis`. It carries job ids and nothing else, so whatever it does with them, the
//! ledger decides: attempts, backoff, priority among jobs, uniqueness, results and the list of jobs are never asked of
//! it. Redis errors are retried inside the transport and never reach a running job.
//!
//! Faults of apalis-redis 1.0.0 that settings avoid here:
//! - its script for promoting due tasks fails for good from 8,000 of them on, and with it every worker of the queue: each
//!   push promotes its own at once, and no level is pushed to beyond [`HIGH_WATER`];
//! - its interval poller loses wake-ups: a doorbell (PUBLISH) wakes the reader, which looks by itself every few seconds;
//! - a worker with a batch at hand sends no heartbeat and is declared dead: heartbeats do not wait for the batch;
//! - a lock walks the whole list: `lock_tasks(false)`;
//! - a worker started again under its name is refused: names are unique, and a name is taken off before it registers;
//! - a Redis error ends the worker and drops its running jobs: errors end in the reader, which registers again;
//! - finished tasks stay for ever, and an acknowledgement that Redis no longer knows kills the worker:
//!   `persist_results(false)`, and ids are deleted once handled;
//! - an id that was pushed before is silently not pushed again: each push has a name of its own;
//! - a malformed payload kills one worker after the other: it is dropped with a word in the log.
//!
//! Faults that remain:
//! - what a killed worker had taken comes back after 20 s, and what was in flight when an answer of Redis was lost with
//!   the next error or after the ledger's sweep, a minute later; Streams lose neither;
//! - taking is a script a level and not one blocking read: an idle worker asks Redis every five seconds, a doorbell that
//!   was lost costs up to that, and every idle worker of a queue hears each push;
//! - within a second, ids pushed by several processes may be taken in another order than they were pushed;
//! - a worker runs at most 4,000 jobs of a queue at once, since recovery of 8,000 would fail as promotion does;
//! - a Redis Cluster must hold all queues on one node: its scripts share a key that they do not declare;
//! - the clocks of the machines must agree to some seconds: its heartbeats are times of the workers', not of Redis's.

mod bell;
mod carrier;
mod members;
mod push;
mod reader;
mod scripts;

pub use carrier::ApalisRedisCarrier;
pub use push::{backlog, push};

use crate::queue::job::{Priority, Queue};
use crate::queue::redis::Redis;
use apalis_redis::Config;
use std::time::Duration;

/// Waiting ids at which a level takes no more pushes from anybody; the relay stops well before.
pub const HIGH_WATER: u64 = 4_000;

/// Ids a worker holds at most, and so jobs of a queue that it runs at once.
pub const MOST_HELD: usize = 4_000;

/// How often a worker shows that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// Heartbeats missed until a worker is taken for gone.
const MISSED: usize = 4;

/// The settings of one level; names carry the queue in braces, which keeps its levels together in a cluster.
pub fn config(redis: &Redis, queue: Queue, level: Priority) -> Config {
    Config::default()
        .queue(redis.carrier_key(queue, level))
        .batch_size(1)
        .lock_tasks(false)
        .persist_results(false)
        .emit_events(false)
        .heartbeat_interval(BEAT)
        .missed_heartbeats(MISSED)
}

/// What apalis-redis says went wrong, as the rest of the queue says it.
fn redis_error(error: apalis_redis::Error) -> redis::RedisError {
    match error {
        apalis_redis::Error::Database(error) => error,
        other => redis::RedisError::from(std::io::Error::other(other)),
    }
}
