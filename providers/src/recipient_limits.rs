//! How much one recipient gets from one account, and how many people it writes to first within a day, whatever number of
//! workers send from it.
//!
//! A pair of account and recipient has a bucket like an account's (GCRA, on Redis's own clock). People written to first
//! are kept for a day by a hash of their address, since Redis holds no personal data. When Redis loses its data the
//! provider's own limits stand alone for a while. Calls fail when Redis does: the caller waits and asks again.

use crate::rate_limit::RateLimitError;
use redis::{Script, aio::ConnectionManager};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// KEYS: people, then the pair of each recipient. ARGV: microseconds a message, burst, most people (0: any), how long
/// people count in microseconds, then for each recipient its name and whether it is written to first. Answers for each
/// what is in the way (0: nothing, 1: the pair, 2: the people) and for how many microseconds.
const ADMIT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst, most, day = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if most > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - day))
end
local answers = {}
for i = 2, #KEYS do
  local name, first = ARGV[1 + 2 * i], ARGV[2 + 2 * i] == '1'
  local full = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now)
  local wait = full + each - now - burst * each
  local counts = most > 0 and first
  if wait > 0 then
    answers[#answers + 1] = {1, wait}
  elseif counts and not redis.call('ZSCORE', KEYS[1], name) and redis.call('ZCARD', KEYS[1]) >= most then
    local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
    answers[#answers + 1] = {2, math.max(1, tonumber(oldest) + day - now)}
  else
    redis.call('SET', KEYS[i], string.format('%.0f', full + each), 'PX', math.ceil((full + each - now) / 1000) + 1000)
    if counts then
      redis.call('ZADD', KEYS[1], string.format('%.0f', now), name)
      redis.call('PEXPIRE', KEYS[1], math.ceil(day / 1000) + 1000)
    end
    answers[#answers + 1] = {0, 0}
  end
end
return answers
";

/// The provider refused a pair: nothing goes to it for a while, longer each time until it is forgotten. KEYS: pair,
/// refusals. ARGV: microseconds a message, burst, milliseconds to wait (0: four to the power of the refusals, in
/// seconds), most refusals, milliseconds after which refusals are forgotten. Answers the milliseconds.
const HOLD: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local refusals = math.min(redis.call('INCR', KEYS[2]), tonumber(ARGV[4]))
redis.call('PEXPIRE', KEYS[2], ARGV[5])
local wait = tonumber(ARGV[3])
if wait == 0 then
  wait = 1000 * 4 ^ refusals
end
local full = now + wait * 1000 + (burst - 1) * each
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return math.floor(wait)
";

/// How long somebody counts as written to.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The wait after refusals grows no further: about 18 hours.
const MOST_REFUSALS: u32 = 8;
/// Refusals are forgotten after this.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// How fast one recipient may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairRate {
    /// The time of one message, over time.
    pub every: Duration,
    /// Messages at once after a rest.
    pub burst: u32,
}

/// Somebody about to be sent to.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// Their address.
    pub address: &'a str,
    /// It is not an answer: they are written to first.
    pub first: bool,
}

/// Whether a message may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Goes,
    /// The recipient has had enough for now.
    PairFull(Duration),
    /// The account has written to as many people as it may within a day.
    DayFull(Duration),
}

/// The limits of all accounts' recipients; clones share one connection.
#[derive(Clone)]
pub struct RecipientLimits {
    redis: ConnectionManager,
    admit: Script,
    hold: Script,
}

impl RecipientLimits {
    /// Limits kept in this Redis.
    pub fn new(redis: ConnectionManager) -> Self {
        Self { redis, admit: Script::new(ADMIT), hold: Script::new(HOLD) }
    }

    /// Takes a message out of the bucket of each recipient that has room, in their order. `most`: how many different
    /// people the account may write to first within a day.
    pub async fn admit(
        &self,
        account: &str,
        rate: PairRate,
        most: Option<u32>,
        recipients: &[Recipient<'_>],
    ) -> Result<Vec<Admission>, RateLimitError> {
        if recipients.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.admit.prepare_invoke();
        call.key(format!("rate:{{{account}}}:people"));
        call.arg(micros(rate.every)).arg(rate.burst.max(1)).arg(most.unwrap_or(0)).arg(micros(DAY));
        for recipient in recipients {
            let name = name_of(account, recipient.address);
            call.key(pair_key(account, &name));
            call.arg(name).arg(u8::from(recipient.first));
        }
        let answers: Vec<(u8, u64)> = call.invoke_async(&mut self.redis.clone()).await?;
        let read = |(what, wait): (u8, u64)| match what {
            0 => Admission::Goes,
            1 => Admission::PairFull(Duration::from_micros(wait)),
            _ => Admission::DayFull(Duration::from_micros(wait)),
        };
        Ok(answers.into_iter().map(read).collect())
    }

    /// The provider took no more for a recipient: nothing goes to them for the time it asks for, or for one that grows
    /// with each refusal. Answers how long.
    pub async fn hold(
        &self,
        account: &str,
        rate: PairRate,
        address: &str,
        after: Option<Duration>,
    ) -> Result<Duration, RateLimitError> {
        let name = name_of(account, address);
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 12);
        let wait: u64 = self
            .hold
            .key(pair_key(account, &name))
            .key(format!("rate:{{{account}}}:refused:{name}"))
            .arg(micros(rate.every))
            .arg(rate.burst.max(1))
            .arg(after.map_or(0, |after| milliseconds(after).max(1)))
            .arg(MOST_REFUSALS)
            .arg(milliseconds(FORGOTTEN))
            .invoke_async(&mut self.redis.clone())
            .await?;
        Ok(Duration::from_millis(wait))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX >> 12)
}

/// The braces keep an account's keys in one slot of a cluster.
fn pair_key(account: &str, name: &str) -> String {
    format!("rate:{{{account}}}:pair:{name}")
}

/// A name that tells recipients apart and not who they are.
fn name_of(account: &str, address: &str) -> String {
    let digest = Sha256::new().chain_update(account).chain_update([0]).chain_update(address).finalize();
    hex::encode(&digest[..12])
}
