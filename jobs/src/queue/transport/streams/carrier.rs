//! One worker's end of the streams: it reads as a consumer of the group, and acknowledges by deleting.

use super::reader::Reader;
use super::{FIELD, GROUP, janitor};
use crate::queue::job::Priority;
use crate::queue::redis::Redis;
use crate::queue::transport::carrier::{Carrier, CarrierConfig, Round};
use crate::queue::transport::intake::Intake;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// See [`Carrier`].
pub struct StreamsCarrier {
    redis: Redis,
    config: CarrierConfig,
}

impl StreamsCarrier {
    /// Over that Redis.
    pub fn new(redis: Redis, config: CarrierConfig) -> Self {
        Self { redis, config }
    }

    /// Deleted even if the group is gone: the acknowledgement of an unknown group is no error.
    fn commands(&self, round: &Round) -> redis::Pipeline {
        let mut pipe = redis::pipe();
        for level in Priority::ALL {
            let key = self.redis.carrier_key(self.config.queue, level);
            for entry in round.back.iter().filter(|entry| entry.level == level) {
                pipe.cmd("XADD").arg(&key).arg("*").arg(FIELD).arg(entry.job.to_string()).ignore();
            }
            let gone = round.done.iter().chain(&round.back);
            let ids: Vec<&str> = gone.filter(|entry| entry.level == level).map(|entry| entry.id.as_str()).collect();
            if !ids.is_empty() {
                pipe.cmd("XACK").arg(&key).arg(GROUP).arg(&ids).ignore();
                pipe.cmd("XDEL").arg(&key).arg(&ids).ignore();
            }
        }
        pipe
    }
}

impl Carrier for StreamsCarrier {
    fn read(self: Arc<Self>, intake: Intake, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(Reader::new(self.redis.clone(), self.config.clone(), intake).run(stop))
    }

    fn settle<'a>(&'a self, round: &'a Round) -> BoxFuture<'a, Result<(), redis::RedisError>> {
        Box::pin(async {
            match self.commands(round).query_async::<()>(&mut self.redis.connection()).await {
                Err(error) if error.code() == Some("NOGROUP") => Ok(()),
                settled => settled,
            }
        })
    }

    /// Deletes this consumer where it holds nothing; a janitor deletes the others later.
    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for level in Priority::ALL {
                let key = self.redis.carrier_key(self.config.queue, level);
                if let Err(error) = janitor::delete_if_idle(&self.redis, &key, &self.config.consumer, 0).await {
                    tracing::debug!(%error, "the consumer stays in its group");
                }
            }
        })
    }
}
