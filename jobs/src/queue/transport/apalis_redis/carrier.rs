//! One worker's end of apalis-redis: what it holds, how it is acknowledged, how it takes leave.

use super::reader::Reader;
use super::{members, push, scripts};
use crate::queue::job::Priority;
use crate::queue::redis::Redis;
use crate::queue::transport::carrier::{Carrier, CarrierConfig, Round};
use crate::queue::transport::entry::Entry;
use crate::queue::transport::intake::Intake;
use apalis::prelude::WorkerContext;
use apalis_redis::Config;
use futures_util::future::BoxFuture;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// See [`Carrier`].
pub struct ApalisRedisCarrier {
    pub(super) redis: Redis,
    pub(super) config: CarrierConfig,
    pub(super) levels: [Config; 3],
    pub(super) worker: WorkerContext,
    /// Names of what was taken and not yet acknowledged. What else Redis has this worker hold was lost on its way.
    held: Mutex<HashSet<String>>,
}

impl ApalisRedisCarrier {
    /// Over that Redis.
    pub fn new(redis: Redis, config: CarrierConfig) -> Self {
        let levels = Priority::ALL.map(|level| super::config(&redis, config.queue, level));
        let worker = WorkerContext::new(&config.consumer);
        Self { redis, config, levels, worker, held: Mutex::default() }
    }

    /// The set of what this worker holds of a level.
    pub(super) fn inflight(&self, config: &Config) -> String {
        config.inflight_set_for(&self.worker)
    }

    /// Notes what was taken.
    pub(super) fn hold(&self, entries: &[Entry]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend(entries.iter().map(|entry| entry.id.clone()));
    }

    /// Of the names given, those that were taken and never arrived.
    pub(super) fn lost(&self, mut names: Vec<String>) -> Vec<String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|name| !held.contains(name));
        names
    }

    fn release(&self, round: &Round) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in round.done.iter().chain(&round.back) {
            held.remove(&entry.id);
        }
    }

    async fn write(&self, round: &Round) -> Result<(), redis::RedisError> {
        let mut connection = self.redis.connection();
        for (level, config) in Priority::ALL.into_iter().zip(&self.levels) {
            let inflight = self.inflight(config);
            scripts::forget(&mut connection, config, &inflight, &names(&round.done, level)).await?;
            scripts::give_back(&mut connection, config, &inflight, &names(&round.back, level)).await?;
        }
        if !round.back.is_empty() {
            push::ring(&mut connection, &self.redis, self.config.queue).await?;
        }
        Ok(())
    }
}

impl Carrier for ApalisRedisCarrier {
    fn read(self: Arc<Self>, intake: Intake, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(Reader::new(self, intake).run(stop))
    }

    fn settle<'a>(&'a self, round: &'a Round) -> BoxFuture<'a, Result<(), redis::RedisError>> {
        Box::pin(async {
            self.write(round).await?;
            self.release(round);
            Ok(())
        })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let left = members::strike_off(&mut self.redis.connection(), &self.levels, &self.worker).await;
            if let Err(error) = left {
                tracing::debug!(%error, "the worker stays on the list until it is missed");
            }
        })
    }
}

fn names(entries: &[Entry], level: Priority) -> Vec<&str> {
    entries.iter().filter(|entry| entry.level == level).map(|entry| entry.id.as_str()).collect()
}
