//! Acknowledging in batches, and giving entries back.
//!
//! Errors are retried until Redis answers; when Redis has lost the entries there is nothing left to acknowledge, and
//! that is no error. A slot is free again as soon as its job is recorded, whether or not Redis knows.

use super::backend::StreamsConfig;
use super::entry::Entry;
use super::{FIELD, GROUP};
use crate::queue::job::Priority;
use crate::queue::redis::Redis;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Entries of one round trip.
const BATCH: usize = 512;

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(200);

/// How often the last batch is tried when the worker is closing: another worker takes over what stays.
const CLOSING_TRIES: usize = 5;

/// What is to become of an entry.
#[derive(Debug)]
pub enum Acknowledgement {
    /// Handled: forget it.
    Done(Entry),
    /// Not taken on: somebody else's.
    GiveBack(Entry),
    /// Taken without a free slot: somebody else's.
    Excess(Entry),
    /// Holds no id of ours: forget it. It took a slot of no job.
    Rubbish(Entry),
    /// Write what there is, leave the group, and say so.
    Close(oneshot::Sender<()>),
}

/// Runs until everybody who could acknowledge is gone.
pub async fn acknowledge(
    redis: Redis,
    config: StreamsConfig,
    slots: Arc<Semaphore>,
    mut words: mpsc::UnboundedReceiver<Acknowledgement>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while words.recv_many(&mut batch, BATCH).await > 0 {
        let mut round = Round::default();
        for word in batch.drain(..) {
            match word {
                Acknowledgement::Done(entry) => {
                    slots.add_permits(1);
                    round.done.push(entry);
                }
                Acknowledgement::GiveBack(entry) => {
                    slots.add_permits(1);
                    round.back.push(entry);
                }
                Acknowledgement::Excess(entry) => round.back.push(entry),
                Acknowledgement::Rubbish(entry) => round.rubbish.push(entry),
                Acknowledgement::Close(done) => round.closed.push(done),
            }
        }
        round.write(&redis, &config).await;
        for done in round.closed {
            leave(&redis, &config).await;
            let _gone = done.send(());
        }
    }
}

#[derive(Default)]
struct Round {
    done: Vec<Entry>,
    back: Vec<Entry>,
    rubbish: Vec<Entry>,
    closed: Vec<oneshot::Sender<()>>,
}

impl Round {
    async fn write(&self, redis: &Redis, config: &StreamsConfig) {
        if self.done.is_empty() && self.back.is_empty() && self.rubbish.is_empty() {
            return;
        }
        let pipe = self.commands(redis, config);
        let mut tries = 0;
        while let Err(error) = pipe.query_async::<()>(&mut redis.connection()).await {
            tries += 1;
            if is_gone(&error) || (!self.closed.is_empty() && tries >= CLOSING_TRIES) {
                break;
            }
            tracing::debug!(%error, queue = config.queue.name(), "acknowledging again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deleted even if the group is gone: the acknowledgement of an unknown group is no error.
    fn commands(&self, redis: &Redis, config: &StreamsConfig) -> redis::Pipeline {
        let mut pipe = redis::pipe();
        for level in Priority::ALL {
            let key = redis.carrier_key(config.queue, level);
            for entry in self.back.iter().filter(|entry| entry.level == level) {
                pipe.cmd("XADD").arg(&key).arg("*").arg(FIELD).arg(entry.job.to_string()).ignore();
            }
            let gone = self.done.iter().chain(&self.back).chain(&self.rubbish);
            let ids: Vec<&str> = gone.filter(|entry| entry.level == level).map(|entry| entry.id.as_str()).collect();
            if !ids.is_empty() {
                pipe.cmd("XACK").arg(&key).arg(GROUP).arg(&ids).ignore();
                pipe.cmd("XDEL").arg(&key).arg(&ids).ignore();
            }
        }
        pipe
    }
}

/// Whether Redis has no such stream or group any more.
fn is_gone(error: &redis::RedisError) -> bool {
    error.code() == Some("NOGROUP")
}

/// Deletes this consumer where it holds nothing; a janitor deletes the others later.
async fn leave(redis: &Redis, config: &StreamsConfig) {
    for level in Priority::ALL {
        let key = redis.carrier_key(config.queue, level);
        if let Err(error) = super::janitor::delete_if_idle(redis, &key, &config.consumer, 0).await {
            tracing::debug!(%error, "the consumer stays in its group");
        }
    }
}
