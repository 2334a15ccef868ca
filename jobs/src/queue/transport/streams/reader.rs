//! Taking ids off a queue's three streams, as many as there are free slots and no more.
//!
//! With work waiting, one round trip reads all levels by their weights; without, the reader blocks on Redis and costs
//! nothing. Every failure is retried here: a lost connection, a Redis that has lost its groups, one that is frozen.

use super::{FIELD, GROUP, janitor};
use crate::queue::job::Priority;
use crate::queue::redis::{RESPONSE_TIMEOUT, Redis};
use crate::queue::transport::carrier::CarrierConfig;
use crate::queue::transport::entry::Entry;
use crate::queue::transport::intake::Intake;
use crate::queue::transport::share;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long one read blocks in Redis, and so how long an idle worker takes to stop at most.
const BLOCK: Duration = Duration::from_secs(1);

/// A blocked read that takes longer than this has no Redis at the other end.
const DEAF: Duration = Duration::from_secs(5);

/// Entries that another worker took and did not acknowledge for this long are taken over. Those of a job that runs
/// longer are dropped by the claim, since its row is not available.
const ABANDONED: Duration = Duration::from_secs(60);

/// How often abandoned entries are looked for.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(15);

/// The wait after a failure grows to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Reads one queue.
pub struct Reader {
    redis: Redis,
    config: CarrierConfig,
    keys: [String; 3],
    intake: Intake,
    turn: usize,
    take_over_at: Instant,
}

impl Reader {
    /// Passes what it takes on to `intake`.
    pub fn new(redis: Redis, config: CarrierConfig, intake: Intake) -> Self {
        let keys = Priority::ALL.map(|level| redis.carrier_key(config.queue, level));
        Self { redis, config, keys, intake, turn: 0, take_over_at: Instant::now() }
    }

    /// Reads until `stop`; what was read and not passed on is given back.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        while !stop.is_cancelled() {
            match self.read_on(&stop).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, queue = self.config.queue.name(), "taking jobs from Redis: trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.cancelled() => return,
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Reads over one connection until `stop` or a failure.
    async fn read_on(&mut self, stop: &CancellationToken) -> Result<(), redis::RedisError> {
        let settings = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(DEAF));
        let mut connection = self.redis.client().get_multiplexed_async_connection_with_config(&settings).await?;
        self.create_groups(&mut connection).await?;
        loop {
            let free = tokio::select! {
                free = self.intake.free() => free,
                () = stop.cancelled() => return Ok(()),
            };
            let taken = match self.take(&mut connection, free).await {
                Err(error) if error.code() == Some("NOGROUP") => {
                    self.create_groups(&mut connection).await?;
                    continue;
                }
                taken => taken?,
            };
            self.turn = self.turn.wrapping_add(1);
            self.intake.pass_on(taken).await;
        }
    }

    async fn take(
        &mut self,
        connection: &mut MultiplexedConnection,
        free: usize,
    ) -> Result<Vec<Entry>, redis::RedisError> {
        if Instant::now() >= self.take_over_at {
            self.take_over_at = Instant::now() + TAKE_OVER_EVERY;
            let abandoned = self.take_over(connection, free).await?;
            if !abandoned.is_empty() {
                return Ok(abandoned);
            }
            janitor::tidy(&self.redis, self.config.queue).await?;
        }
        let waiting = self.take_waiting(connection, free).await?;
        if !waiting.is_empty() {
            return Ok(waiting);
        }
        // never dropped while it blocks: an entry that came just then would stay with a consumer that is gone
        self.block(connection).await
    }

    /// What waits now: each level by its share, then leftover slots to whoever has more.
    async fn take_waiting(
        &self,
        connection: &mut MultiplexedConnection,
        free: usize,
    ) -> Result<Vec<Entry>, redis::RedisError> {
        let mut taken = Vec::new();
        let shares = share::share(free, self.turn);
        let asked: Vec<usize> = (0..3).filter(|level| shares[*level] > 0).collect();
        let mut pipe = redis::pipe();
        for level in &asked {
            let mut command = self.read_command(shares[*level], None);
            command.arg(&self.keys[*level]).arg(">");
            pipe.add_command(command);
        }
        let replies: Vec<Option<StreamReadReply>> = pipe.query_async(connection).await?;
        for (level, reply) in asked.iter().zip(replies) {
            taken.extend(self.entries(Priority::ALL[*level], reply));
        }
        for level in share::order(self.turn) {
            let left = free.saturating_sub(taken.len());
            if left == 0 {
                break;
            }
            let mut command = self.read_command(left, None);
            let reply = command.arg(&self.keys[share::index(level)]).arg(">").query_async(connection).await?;
            taken.extend(self.entries(level, reply));
        }
        Ok(taken)
    }

    /// Waits in Redis for the first entry of any level. May bring one of each when several came at once.
    async fn block(&self, connection: &mut MultiplexedConnection) -> Result<Vec<Entry>, redis::RedisError> {
        let mut command = self.read_command(1, Some(BLOCK));
        let reply: Option<StreamReadReply> =
            command.arg(&self.keys[..]).arg(&[">", ">", ">"]).query_async(connection).await?;
        let mut taken = Vec::new();
        for stream in reply.map(|reply| reply.keys).unwrap_or_default() {
            if let Some(level) = self.keys.iter().position(|key| *key == stream.key) {
                taken.extend(self.entries_of(Priority::ALL[level], stream.ids));
            }
        }
        Ok(taken)
    }

    /// Reads as this consumer; the streams and where to read from follow.
    fn read_command(&self, count: usize, block: Option<Duration>) -> redis::Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(GROUP).arg(&self.config.consumer).arg("COUNT").arg(count);
        if let Some(block) = block {
            command.arg("BLOCK").arg(u64::try_from(block.as_millis()).unwrap_or(1_000));
        }
        command.arg("STREAMS");
        command
    }

    /// Entries of workers that vanished.
    async fn take_over(
        &self,
        connection: &mut MultiplexedConnection,
        free: usize,
    ) -> Result<Vec<Entry>, redis::RedisError> {
        let mut taken = Vec::new();
        for level in Priority::ALL {
            let left = free.saturating_sub(taken.len());
            if left == 0 {
                break;
            }
            let reply: StreamAutoClaimReply = redis::cmd("XAUTOCLAIM")
                .arg(&self.keys[share::index(level)])
                .arg(GROUP)
                .arg(&self.config.consumer)
                .arg(u64::try_from(ABANDONED.as_millis()).unwrap_or(u64::MAX))
                .arg("0")
                .arg("COUNT")
                .arg(left)
                .query_async(connection)
                .await?;
            taken.extend(self.entries_of(level, reply.claimed));
        }
        Ok(taken)
    }

    /// Creates the streams and their group, at first and whenever Redis has lost them.
    async fn create_groups(&self, connection: &mut MultiplexedConnection) -> Result<(), redis::RedisError> {
        for key in &self.keys {
            let created: Result<(), redis::RedisError> = redis::cmd("XGROUP")
                .arg("CREATE")
                .arg(key)
                .arg(GROUP)
                .arg("0")
                .arg("MKSTREAM")
                .query_async(connection)
                .await;
            match created {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn entries(&self, level: Priority, reply: Option<StreamReadReply>) -> Vec<Entry> {
        let streams = reply.map(|reply| reply.keys).unwrap_or_default();
        streams.into_iter().flat_map(|stream| self.entries_of(level, stream.ids)).collect()
    }

    /// Entries that hold no id of ours are thrown away with a word in the log.
    fn entries_of(&self, level: Priority, ids: Vec<StreamId>) -> Vec<Entry> {
        let entry = |found: StreamId| {
            let job = found.get::<String>(FIELD).and_then(|text| text.parse().ok());
            let id = found.id;
            match job {
                Some(job) => Some(Entry { job, level, id }),
                None => {
                    tracing::error!(queue = self.config.queue.name(), entry = id, "an entry that names no job");
                    self.intake.throw_away(Entry { job: uuid::Uuid::nil(), level, id });
                    None
                }
            }
        };
        ids.into_iter().filter_map(entry).collect()
    }
}
