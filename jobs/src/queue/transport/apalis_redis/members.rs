//! Being a worker in the eyes of apalis-redis: registered at every level, and heard of.
//!
//! Registration and heartbeats are apalis-redis's own and include its recovery: each heartbeat gives back what workers
//! held that were not heard of for 20 s. After any failure the registration is made anew.

use super::{BEAT, MISSED, redis_error};
use apalis::prelude::WorkerContext;
use apalis_core::backend::Backend;
use apalis_redis::{Config, RedisStorage};
use redis::aio::ConnectionManager;
use std::future::poll_fn;
use uuid::Uuid;

/// One worker at the levels of a queue.
pub struct Members {
    worker: WorkerContext,
    connection: ConnectionManager,
    configs: [Config; 3],
    storages: Vec<RedisStorage<Uuid>>,
}

impl Members {
    /// Not yet registered.
    pub fn new(worker: WorkerContext, connection: ConnectionManager, configs: [Config; 3]) -> Self {
        Self { worker, connection, configs, storages: Vec::new() }
    }

    /// Registers at every level, whatever Redis knew of this worker before.
    pub async fn enrol(&mut self) -> Result<(), redis::RedisError> {
        let mut pipe = redis::pipe();
        for config in &self.configs {
            pipe.cmd("ZREM").arg(config.workers_set()).arg(self.worker.name()).ignore();
        }
        pipe.query_async::<()>(&mut self.connection).await?;
        let storage = |config: &Config| RedisStorage::new(self.connection.clone()).with_config(config.clone());
        self.storages = self.configs.iter().map(storage).collect();
        self.beat().await?;
        self.keep_tidy().await
    }

    /// Sends heartbeats if they are due; cheap otherwise.
    pub async fn beat(&mut self) -> Result<(), redis::RedisError> {
        for storage in &mut self.storages {
            poll_fn(|context| storage.poll_ready(context, &self.worker)).await.map_err(redis_error)?;
        }
        Ok(())
    }

    /// What apalis-redis notes of a worker goes by itself some time after the worker.
    async fn keep_tidy(&mut self) -> Result<(), redis::RedisError> {
        const DAY: u32 = 24 * 3600;
        let mut pipe = redis::pipe();
        for config in &self.configs {
            pipe.cmd("EXPIRE").arg(config.worker_metadata_key(&self.worker)).arg(DAY).ignore();
        }
        pipe.query_async(&mut self.connection).await
    }
}

/// Strikes a worker off every level. What it holds must have been given back: nobody would look for it.
pub async fn strike_off(
    connection: &mut ConnectionManager,
    configs: &[Config; 3],
    worker: &WorkerContext,
) -> Result<(), redis::RedisError> {
    const STRIKE_OFF: &str = "\
        if redis.call('SCARD', KEYS[1]) > 0 then return 0 end \
        redis.call('DEL', KEYS[3]) \
        return redis.call('ZREM', KEYS[2], ARGV[1])";
    let script = redis::Script::new(STRIKE_OFF);
    for config in configs {
        script
            .key(config.inflight_set_for(worker))
            .key(config.workers_set())
            .key(config.worker_metadata_key(worker))
            .arg(worker.name())
            .invoke_async::<()>(connection)
            .await?;
    }
    Ok(())
}

// a worker is taken for gone only after several beats
const _: () = assert!(MISSED >= 3 && BEAT.as_secs() >= 1);
