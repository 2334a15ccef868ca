//! Slows down guessing of passwords: after some failures each further attempt has to wait twice as long.
//!
//! Counted in Redis, so that all processes count together, by account and address and, more generously, by account
//! alone: guesses from many addresses are slowed too, and somebody else's guesses cannot easily keep the owner out.
//! Without Redis nobody can sign in ([`ApiError`] 503): guessing must not become free because Redis is down.

use crate::error::ApiError;
use jobs::queue::redis::Redis;
use redis::Script;
use sha2::{Digest, Sha256};
use std::{net::IpAddr, time::Duration};

/// Failures from one address that cost nothing.
const FREE_FROM_ADDRESS: u32 = 5;
/// Failures from anywhere that cost nothing.
const FREE_IN_ALL: u32 = 50;
/// Failures are forgotten this long after the last.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// The first wait; doubles with each further failure.
const WAIT: Duration = Duration::from_secs(5);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Answers the milliseconds to wait, or counts the attempt and answers 0. Counting before the password is checked
/// keeps attempts made at the same moment from slipping through together.
///
/// KEYS: a counter and a lock for each way of counting; ARGV: memory, wait, longest wait (ms), then free attempts each.
const BEGIN: &str = r"
for i = 1, #KEYS, 2 do
  local blocked = redis.call('PTTL', KEYS[i + 1])
  if blocked > 0 then return blocked end
end
for i = 1, #KEYS, 2 do
  local count = redis.call('INCR', KEYS[i])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  local free = tonumber(ARGV[3 + (i + 1) / 2])
  if count >= free then
    local wait = math.min(tonumber(ARGV[2]) * 2 ^ math.min(count - free, 30), tonumber(ARGV[3]))
    redis.call('SET', KEYS[i + 1], 1, 'PX', string.format('%d', wait))
  end
end
return 0
";

/// Counts attempts.
pub struct Attempts {
    redis: Redis,
    begin: Script,
}

/// An attempt that was let through.
pub struct Attempt {
    keys: [String; 4],
}

impl Attempts {
    /// Over the process's Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, begin: Script::new(BEGIN) }
    }

    /// Lets an attempt through, or answers 429 with the time to wait. Counts it as failed until [`Attempts::succeeded`].
    pub async fn begin(&self, email: &str, address: Option<IpAddr>) -> Result<Attempt, ApiError> {
        let attempt = Attempt { keys: self.keys(email, address) };
        let mut call = self.begin.prepare_invoke();
        for key in &attempt.keys {
            call.key(key);
        }
        for duration in [MEMORY, WAIT, LONGEST_WAIT] {
            call.arg(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        }
        call.arg(FREE_FROM_ADDRESS).arg(FREE_IN_ALL);
        let wait: u64 = call.invoke_async(&mut self.redis.connection()).await?;
        if wait > 0 {
            let message = "too many failed attempts; wait before the next";
            return Err(ApiError::too_many("too_many_attempts", message, wait.div_ceil(1000)));
        }
        Ok(attempt)
    }

    /// Forgets the failures: the password was right.
    pub async fn succeeded(&self, attempt: &Attempt) -> Result<(), ApiError> {
        redis::cmd("DEL").arg(&attempt.keys[..]).query_async::<()>(&mut self.redis.connection()).await?;
        Ok(())
    }

    /// Names without the address in clear; the braces keep an account's keys on one node of a cluster.
    fn keys(&self, email: &str, address: Option<IpAddr>) -> [String; 4] {
        let account = hex::encode(&Sha256::digest(email)[..16]);
        let from = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let key = |what: &str, from: &str| self.redis.key(&format!("login:{{{account}}}:{what}:{from}"));
        [key("count", &from), key("wait", &from), key("count", "all"), key("wait", "all")]
    }
}
