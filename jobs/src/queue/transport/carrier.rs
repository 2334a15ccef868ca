//! What the backend asks of a transport: to take ids, and to be told what became of them.

use super::entry::Entry;
use super::intake::Intake;
use crate::queue::job::Queue;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a worker of one queue takes.
#[derive(Debug, Clone)]
pub struct CarrierConfig {
    /// The queue whose levels are read.
    pub queue: Queue,
    /// Unique to the process.
    pub consumer: String,
    /// Jobs at once: no more ids are taken than there are free slots.
    pub slots: usize,
}

/// What is to be written to Redis about ids that were taken.
#[derive(Debug, Default)]
pub struct Round {
    /// Handled, or none of ours: to be forgotten.
    pub done: Vec<Entry>,
    /// Somebody else's: to be carried again.
    pub back: Vec<Entry>,
}

impl Round {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.back.is_empty()
    }
}

/// One worker's end of a transport.
pub trait Carrier: Send + Sync + 'static {
    /// Takes ids until `stop`, through every failure of Redis; what was taken and not passed on is given back.
    fn read(self: Arc<Self>, intake: Intake, stop: CancellationToken) -> BoxFuture<'static, ()>;

    /// Writes a round. Fails when it is worth another try: what Redis has lost is no failure.
    fn settle<'a>(&'a self, round: &'a Round) -> BoxFuture<'a, Result<(), redis::RedisError>>;

    /// Takes leave, best effort; nothing is taken any more.
    fn leave(&self) -> BoxFuture<'_, ()>;
}
