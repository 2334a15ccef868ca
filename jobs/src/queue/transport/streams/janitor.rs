//! Keeps the groups tidy: consumers of workers that vanished are deleted once nothing is pending for them.

use super::GROUP;
use crate::queue::job::{Priority, Queue};
use crate::queue::redis::Redis;

/// A consumer is taken for gone after an hour without a word.
const GONE_MS: u64 = 3_600_000;

/// Deletes consumers that are idle since [`GONE_MS`] and hold nothing; what they held was taken over before.
pub async fn tidy(redis: &Redis, queue: Queue) -> Result<(), redis::RedisError> {
    for level in Priority::ALL {
        let key = redis.carrier_key(queue, level);
        let info: redis::streams::StreamInfoConsumersReply =
            redis::cmd("XINFO").arg("CONSUMERS").arg(&key).arg(GROUP).query_async(&mut redis.connection()).await?;
        for consumer in info.consumers {
            if consumer.pending == 0 && u64::try_from(consumer.idle).unwrap_or(0) > GONE_MS {
                delete_if_idle(redis, &key, &consumer.name, GONE_MS).await?;
            }
        }
    }
    Ok(())
}

/// Deletes a consumer that holds nothing and has been silent for longer than `idle_ms`, in one step: deleting one that
/// holds entries would lose them to the group.
pub async fn delete_if_idle(redis: &Redis, key: &str, consumer: &str, idle_ms: u64) -> Result<(), redis::RedisError> {
    const DELETE: &str = "\
        local found = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1]) \
        if found.err then return 0 end \
        for _, entry in ipairs(found) do \
            local fields = {} \
            for i = 1, #entry, 2 do fields[entry[i]] = entry[i + 1] end \
            if fields['name'] == ARGV[2] and fields['pending'] == 0 and fields['idle'] >= tonumber(ARGV[3]) then \
                return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) \
            end \
        end \
        return 0";
    redis::Script::new(DELETE)
        .key(key)
        .arg(GROUP)
        .arg(consumer)
        .arg(idle_ms)
        .invoke_async::<()>(&mut redis.connection())
        .await
}
