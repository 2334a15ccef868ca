//! Taking ids off the three levels of a queue, as many as there are free slots and no more.
//!
//! With nothing waiting, the reader sleeps until the doorbell rings. Every failure is retried here: a lost connection, a
//! Redis that has forgotten this worker, one that is frozen. What an answer that never came had taken is given back.

use super::carrier::ApalisRedisCarrier;
use super::members::Members;
use super::{BEAT, bell, redis_error, scripts};
use crate::queue::job::Priority;
use crate::queue::transport::entry::Entry;
use crate::queue::transport::intake::Intake;
use crate::queue::transport::share;
use apalis_redis::{RedisTask, queries};
use redis::aio::ConnectionManager;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often an idle worker looks although nobody rang.
const LOOK: Duration = Duration::from_secs(5);

/// The wait after a failure begins with this, and grows.
const PAUSE: Duration = Duration::from_millis(100);

/// The wait after a failure grows to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Reads one queue.
pub struct Reader {
    carrier: Arc<ApalisRedisCarrier>,
    connection: ConnectionManager,
    members: Members,
    intake: Intake,
    turn: usize,
    pause: Duration,
}

impl Reader {
    /// Passes what it takes on to `intake`.
    pub fn new(carrier: Arc<ApalisRedisCarrier>, intake: Intake) -> Self {
        let connection = carrier.redis.connection();
        let members = Members::new(carrier.worker.clone(), connection.clone(), carrier.levels.clone());
        Self { carrier, connection, members, intake, turn: 0, pause: PAUSE }
    }

    /// Reads until `stop`; what was read and not passed on is given back.
    pub async fn run(mut self, stop: CancellationToken) {
        let rung = Arc::new(Notify::new());
        let queue = self.carrier.config.queue;
        let listening = tokio::spawn(bell::listen(self.carrier.redis.clone(), queue, rung.clone()));
        while let Err(error) = self.read_on(&rung, &stop).await {
            tracing::warn!(%error, queue = queue.name(), "taking jobs from Redis: trying again");
            tokio::select! {
                () = tokio::time::sleep(self.pause) => {}
                () = stop.cancelled() => break,
            }
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        listening.abort();
    }

    /// Reads until `stop` or a failure.
    async fn read_on(&mut self, rung: &Notify, stop: &CancellationToken) -> Result<(), redis::RedisError> {
        self.members.enrol().await?;
        self.give_back_lost().await?;
        while !stop.is_cancelled() {
            self.members.beat().await?;
            let free = tokio::select! {
                free = self.intake.free() => free,
                () = tokio::time::sleep(BEAT) => continue,
                () = stop.cancelled() => return Ok(()),
            };
            let mut taken = Vec::new();
            let outcome = self.take(free, &mut taken).await;
            let idle = taken.is_empty();
            self.intake.pass_on(taken).await;
            outcome?;
            self.turn = self.turn.wrapping_add(1);
            self.pause = PAUSE;
            if idle {
                tokio::select! {
                    () = rung.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    /// What waits now: each level by its share, then leftover slots to whoever may have more.
    async fn take(&mut self, free: usize, taken: &mut Vec<Entry>) -> Result<(), redis::RedisError> {
        let mut shares = share::share(free, self.turn);
        for level in share::order(self.turn) {
            let share = &mut shares[share::index(level)];
            if *share > 0 {
                let found = self.fetch(level, *share, taken).await?;
                // one that had less than its share has no more
                *share = if found < *share { usize::MAX } else { 0 };
            }
        }
        for level in share::order(self.turn) {
            let left = free.saturating_sub(taken.len());
            if left > 0 && shares[share::index(level)] == 0 {
                self.fetch(level, left, taken).await?;
            }
        }
        Ok(())
    }

    /// Takes up to `count` ids of a level; answers how many there were. What names no job is thrown away.
    async fn fetch(
        &mut self,
        level: Priority,
        count: usize,
        taken: &mut Vec<Entry>,
    ) -> Result<usize, redis::RedisError> {
        let config = self.carrier.levels[share::index(level)].clone().batch_size(count);
        let tasks = queries::fetch_next(&mut self.connection, &self.carrier.worker, &config).await;
        let tasks = tasks.map_err(redis_error)?;
        let found = tasks.len();
        let before = taken.len();
        for (entry, is_ours) in tasks.into_iter().filter_map(|task| entry(level, &task)) {
            match is_ours {
                true => taken.push(entry),
                false => {
                    tracing::error!(queue = self.carrier.config.queue.name(), entry = entry.id, "a task names no job");
                    self.intake.throw_away(entry);
                }
            }
        }
        self.carrier.hold(&taken[before..]);
        Ok(found)
    }

    /// What Redis has this worker hold and never arrived here waits again.
    async fn give_back_lost(&mut self) -> Result<(), redis::RedisError> {
        for config in &self.carrier.levels {
            let inflight = self.carrier.inflight(config);
            let names: Vec<String> = redis::cmd("SMEMBERS").arg(&inflight).query_async(&mut self.connection).await?;
            let lost = self.carrier.lost(names);
            let lost: Vec<&str> = lost.iter().map(String::as_str).collect();
            scripts::give_back(&mut self.connection, config, &inflight, &lost).await?;
        }
        Ok(())
    }
}

/// A task as an entry, and whether it names a job.
fn entry(level: Priority, task: &RedisTask) -> Option<(Entry, bool)> {
    let id = task.task_id()?.to_string();
    let job = std::str::from_utf8(&task.args).ok().and_then(|text| text.parse::<Uuid>().ok());
    Some((Entry { job: job.unwrap_or_default(), level, id }, job.is_some()))
}
