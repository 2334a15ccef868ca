//! One rate for one sending account, whatever number of workers send from it; and pauses of an account.
//!
//! The state is one time in Redis (GCRA: when the bucket will be full again), moved by one script on Redis's own clock,
//! so workers need not agree on the time. Over any span of `t` seconds an account gets at most `rate * t + burst`. When
//! Redis loses its data at most one burst more is granted. Calls fail when Redis does: the caller waits and asks again.
//!
//! It is first come, first served: ask for as many as can be sent at once, not for a whole batch, and senders of large
//! and small campaigns take turns.

use crate::messaging::SendRate;
use redis::{RedisError, Script, aio::ConnectionManager};
use std::time::Duration;

/// Grants what the bucket holds. KEYS: bucket, pause, slowness, breaker. ARGV: wanted, microseconds a message, burst,
/// probes. Answers granted, microseconds until more, why it is paused or the empty text, and whether it is probed.
const ACQUIRE: &str = r"
local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then
  return {0, string.format('%.0f', paused * 1000), redis.call('GET', KEYS[2]), 0}
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, each, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slowness = tonumber(redis.call('GET', KEYS[3]) or 0)
each = each * (1 + slowness)
burst = math.max(1, math.floor(burst / (1 + slowness)))
local probed = redis.call('EXISTS', KEYS[4])
if probed == 1 then
  wanted = math.min(wanted, tonumber(ARGV[4]))
end
local full = tonumber(redis.call('GET', KEYS[1]) or now)
-- idle; or Redis's clock was set back
full = math.min(math.max(full, now), now + burst * each)
local granted = math.min(wanted, math.floor((now + burst * each - full) / each))
if granted > 0 then
  full = full + granted * each
  -- not a number as such: Lua would shorten it to 14 digits
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
end
local wait = 0
if granted < tonumber(ARGV[1]) then
  wait = math.max(1, full + each - now - burst * each)
end
return {granted, string.format('%.0f', wait), '', probed}
";

/// Pauses for longer, never for shorter. KEYS: pause. ARGV: milliseconds, reason.
const PAUSE: &str = r"
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
end
return redis.call('PTTL', KEYS[1])
";

/// Opens the breaker: pauses, for longer each time it opens again before it has closed. KEYS: pause, breaker.
/// ARGV: first milliseconds, longest milliseconds, milliseconds after which an open breaker is forgotten, reason.
const OPEN: &str = r"
local level = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local time = math.min(tonumber(ARGV[1]) * 2 ^ (level - 1), tonumber(ARGV[2]))
if redis.call('PTTL', KEYS[1]) < time then
  redis.call('SET', KEYS[1], ARGV[4], 'PX', math.floor(time))
end
return math.floor(time)
";

/// Slows an account down by one step. KEYS: slowness. ARGV: milliseconds it lasts, most steps.
const SLOW: &str = r"
local steps = math.min(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[1], steps, 'PX', ARGV[1])
return steps
";

/// Calls let through at a time while a breaker is half open.
const PROBES: u32 = 4;
/// How long a breaker stays open the first time,
const FIRST_OPEN: Duration = Duration::from_secs(2);
/// and at most.
const LONGEST_OPEN: Duration = Duration::from_secs(120);
/// A breaker that nobody closed is forgotten after this.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// How long an account stays slowed down after it was last too fast.
const SLOW_FOR: Duration = Duration::from_secs(60);
/// The slowest: one eighth of its rate.
const SLOW_STEPS: u32 = 7;

/// Redis did not answer, or not as expected.
#[derive(Debug, thiserror::Error)]
#[error("the rate limit cannot be asked: Redis is not available")]
pub struct RateLimitError(#[from] RedisError);

/// What may be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// How many messages; up to as many as were asked for.
    pub granted: u32,
    /// When fewer were granted than asked for: how long until there is more.
    pub retry_after: Duration,
    /// Why the account is paused, when it is; nothing is granted then.
    pub paused: Option<String>,
    /// The breaker is half open: what succeeds now closes it ([`RateLimiter::close_breaker`]).
    pub probed: bool,
}

/// A pause of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// What whoever paused it said, without personal data.
    pub reason: String,
    /// How much longer.
    pub remaining: Duration,
}

/// The limits of all accounts; clones share one connection.
#[derive(Clone)]
pub struct RateLimiter {
    redis: ConnectionManager,
    acquire: Script,
    pause: Script,
    open: Script,
    slow: Script,
}

impl RateLimiter {
    /// Limits kept in this Redis.
    pub fn new(redis: ConnectionManager) -> Self {
        Self {
            redis,
            acquire: Script::new(ACQUIRE),
            pause: Script::new(PAUSE),
            open: Script::new(OPEN),
            slow: Script::new(SLOW),
        }
    }

    /// Takes up to `wanted` messages out of the account's bucket. They are spent whether or not they are sent.
    pub async fn acquire(&self, account: &str, wanted: u32, rate: SendRate) -> Result<Grant, RateLimitError> {
        let each = 1_000_000_u64.div_ceil(u64::from(rate.per_second.max(1)));
        let (granted, wait, paused, probed): (u32, u64, String, bool) = self
            .acquire
            .key(bucket_key(account))
            .key(pause_key(account))
            .key(slow_key(account))
            .key(breaker_key(account))
            .arg(wanted)
            .arg(each)
            .arg(rate.burst.max(1))
            .arg(PROBES)
            .invoke_async(&mut self.redis.clone())
            .await?;
        Ok(Grant {
            granted,
            retry_after: Duration::from_micros(wait),
            paused: Some(paused).filter(|reason| !reason.is_empty()),
            probed,
        })
    }

    /// The provider is down: nothing goes out for a while, then a few calls at a time until one succeeds.
    pub async fn open_breaker(&self, account: &str, reason: &str) -> Result<Duration, RateLimitError> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 12);
        let time: u64 = self
            .open
            .key(pause_key(account))
            .key(breaker_key(account))
            .arg(milliseconds(FIRST_OPEN))
            .arg(milliseconds(LONGEST_OPEN))
            .arg(milliseconds(FORGOTTEN))
            .arg(reason)
            .invoke_async(&mut self.redis.clone())
            .await?;
        Ok(Duration::from_millis(time))
    }

    /// A call has succeeded while the breaker was half open: it is closed.
    pub async fn close_breaker(&self, account: &str) -> Result<(), RateLimitError> {
        redis::cmd("DEL").arg(breaker_key(account)).query_async::<()>(&mut self.redis.clone()).await?;
        Ok(())
    }

    /// The account was too fast: it goes slower for a minute, and slower still when it is too fast again.
    pub async fn slow_down(&self, account: &str) -> Result<u32, RateLimitError> {
        let milliseconds = u64::try_from(SLOW_FOR.as_millis()).unwrap_or(u64::MAX >> 12);
        let steps: u32 = self
            .slow
            .key(slow_key(account))
            .arg(milliseconds)
            .arg(SLOW_STEPS)
            .invoke_async(&mut self.redis.clone())
            .await?;
        Ok(steps)
    }

    /// Stops grants for the account on all workers for a time; a longer pause that is under way stays.
    ///
    /// For an account fault, or for as long as a provider that was sent to too fast asks to wait.
    pub async fn pause_account(&self, account: &str, time: Duration, reason: &str) -> Result<(), RateLimitError> {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 12).max(1);
        let reason = if reason.is_empty() { "paused" } else { reason };
        let script = &self.pause;
        let _: i64 =
            script.key(pause_key(account)).arg(milliseconds).arg(reason).invoke_async(&mut self.redis.clone()).await?;
        Ok(())
    }

    /// Ends a pause.
    pub async fn resume_account(&self, account: &str) -> Result<(), RateLimitError> {
        redis::cmd("DEL")
            .arg(pause_key(account))
            .arg(breaker_key(account))
            .query_async::<()>(&mut self.redis.clone())
            .await?;
        Ok(())
    }

    /// The account's pause, when it is paused.
    pub async fn pause_of(&self, account: &str) -> Result<Option<Pause>, RateLimitError> {
        let key = pause_key(account);
        let (reason, remaining): (Option<String>, i64) =
            redis::pipe().get(&key).pttl(&key).query_async(&mut self.redis.clone()).await?;
        let remaining = u64::try_from(remaining).unwrap_or_default();
        Ok(reason.map(|reason| Pause { reason, remaining: Duration::from_millis(remaining) }))
    }

    /// Whether the account is paused.
    pub async fn is_paused(&self, account: &str) -> Result<bool, RateLimitError> {
        Ok(self.pause_of(account).await?.is_some())
    }
}

/// The braces keep an account's keys in one slot of a cluster.
fn bucket_key(account: &str) -> String {
    format!("rate:{{{account}}}:full")
}

fn pause_key(account: &str) -> String {
    format!("rate:{{{account}}}:pause")
}

fn slow_key(account: &str) -> String {
    format!("rate:{{{account}}}:slow")
}

fn breaker_key(account: &str) -> String {
    format!("rate:{{{account}}}:breaker")
}
