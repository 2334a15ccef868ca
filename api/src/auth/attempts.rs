//! Slows down guessing of passwords and codes: after some failures each further attempt has to wait twice as long.
//!
//! Counted in Redis, so that all processes count together: for strangers by account and address and, more generously, by
//! account alone; by address over all accounts; and for a device from which the account's holder has signed in before,
//! by itself only. So guesses from many addresses are slowed, and nobody can keep a holder out of their own devices.
//! Without Redis nobody can sign in ([`ApiError`] 503): guessing must not become free because Redis is down.

use crate::error::ApiError;
use jobs::queue::redis::Redis;
use redis::Script;
use sha2::{Digest, Sha256};
use std::{net::IpAddr, time::Duration};

/// Failures of a device, or from one address, that cost nothing.
const FREE: u32 = 5;
/// Failures of strangers from anywhere that cost nothing; then the account is closed to strangers for a while.
const FREE_OF_STRANGERS: u32 = 50;
/// Failures from one address over all accounts that cost nothing: an office may share one.
const FREE_FROM_ADDRESS: u32 = 100;
/// Failures are forgotten this long after the last.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// The first wait; doubles with each further failure.
const WAIT: Duration = Duration::from_secs(5);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Answers the milliseconds to wait, or counts the attempt in every field and answers 0; then the count of the last
/// field. Counting before the password is checked keeps attempts made at the same moment from slipping through together.
///
/// KEYS: one hash; ARGV: memory, wait, longest wait (ms), then a field and its free attempts each. A field holds the
/// count, the end of the wait and the time of the last attempt.
const BEGIN: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local read = {}
for i = 4, #ARGV, 2 do
  local kept = redis.call('HGET', KEYS[1], ARGV[i]) or '0:0:0'
  local count, blocked, last = string.match(kept, '(%d+):(%d+):(%d+)')
  if tonumber(blocked) > now then return {tonumber(blocked) - now, tonumber(count)} end
  if now - tonumber(last) > tonumber(ARGV[1]) then count = 0 end
  read[i] = tonumber(count) + 1
end
local count = 0
for i = 4, #ARGV, 2 do
  count = read[i]
  local blocked = 0
  local free = tonumber(ARGV[i + 1])
  if count >= free then
    blocked = now + math.min(tonumber(ARGV[2]) * 2 ^ math.min(count - free, 30), tonumber(ARGV[3]))
  end
  redis.call('HSET', KEYS[1], ARGV[i], string.format('%d:%d:%d', count, blocked, now))
end
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[3]))
return {0, count}
";

/// Takes one attempt back. KEYS: one hash; ARGV: the field.
const FORGIVE: &str = r"
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept then
  local count, blocked, last = string.match(kept, '(%d+):(%d+):(%d+)')
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d:%d:%d', math.max(count - 1, 0), 0, last))
end
";

/// Counts attempts.
pub struct Attempts {
    redis: Redis,
    begin: Script,
    forgive: Script,
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// A device from which the account's holder has signed in before, by the hash of its token.
    Known(&'a [u8; 32]),
    /// Anybody else.
    Stranger,
}

/// An attempt that was let through.
#[derive(Debug)]
pub struct Attempt {
    account: String,
    fields: Vec<String>,
    from: Option<String>,
    /// Whether the account is closed to strangers from now on, if this one fails.
    pub closes: bool,
}

/// What somebody's codes are counted under: apart from the password, which puts its own count back when it is right.
pub fn codes_of(email: &str) -> String {
    format!("codes of {email}")
}

impl Attempts {
    /// Over the process's Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, begin: Script::new(BEGIN), forgive: Script::new(FORGIVE) }
    }

    /// Lets an attempt through, or answers 429 with the time to wait. Counts it as failed until [`Attempts::succeeded`].
    pub async fn begin(&self, email: &str, address: Option<IpAddr>, caller: Caller<'_>) -> Result<Attempt, ApiError> {
        let account = self.account(email);
        let (fields, free) = match caller {
            Caller::Known(device) => (vec![format!("device:{}", hex::encode(device))], vec![FREE]),
            Caller::Stranger => {
                let from = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
                (vec![format!("from:{from}"), "all".to_owned()], vec![FREE, FREE_OF_STRANGERS])
            }
        };
        let from = address.map(|address| self.redis.key(&format!("login:from:{address}")));
        if let Some(from) = &from {
            self.count(from, &["all".to_owned()], &[FREE_FROM_ADDRESS]).await?;
        }
        let count = self.count(&account, &fields, &free).await?;
        let closes = matches!(caller, Caller::Stranger) && count == FREE_OF_STRANGERS;
        Ok(Attempt { account, fields, from, closes })
    }

    async fn count(&self, key: &str, fields: &[String], free: &[u32]) -> Result<u32, ApiError> {
        let mut call = self.begin.key(key);
        for duration in [MEMORY, WAIT, LONGEST_WAIT] {
            call.arg(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        }
        for (field, free) in fields.iter().zip(free) {
            call.arg(field).arg(*free);
        }
        let (wait, count): (u64, u32) = call.invoke_async(&mut self.redis.connection()).await?;
        if wait > 0 {
            let message = "too many failed attempts; wait before the next";
            return Err(ApiError::too_many("too_many_attempts", message, wait.div_ceil(1000)));
        }
        Ok(count)
    }

    /// Forgets the failures: the password was right.
    pub async fn succeeded(&self, attempt: &Attempt) -> Result<(), ApiError> {
        let mut connection = self.redis.connection();
        redis::cmd("HDEL").arg(&attempt.account).arg(&attempt.fields).query_async::<()>(&mut connection).await?;
        if let Some(from) = &attempt.from {
            // this one's only: guessing must not become free by signing in to an account of one's own in between
            self.forgive.key(from).arg("all").invoke_async::<()>(&mut connection).await?;
        }
        Ok(())
    }

    /// Lets everybody try again.
    pub async fn unlock(&self, email: &str) -> Result<(), ApiError> {
        let accounts = [self.account(email), self.account(&codes_of(email))];
        redis::cmd("DEL").arg(&accounts).query_async::<()>(&mut self.redis.connection()).await?;
        Ok(())
    }

    /// A name without the address in clear.
    fn account(&self, email: &str) -> String {
        self.redis.key(&format!("login:account:{}", hex::encode(&Sha256::digest(email)[..16])))
    }
}
