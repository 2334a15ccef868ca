//! What apalis-redis leaves to be done, in Redis, each in one step: promoting, deleting what was handled, giving back.

use apalis_redis::Config;
use redis::Script;
use redis::aio::ConnectionManager;

/// Tasks promoted in one step.
const PROMOTED: usize = 1_000;

/// Moves tasks from the waiting room, where apalis-redis puts all it is given, to the list that workers take from.
pub async fn promote(connection: &mut ConnectionManager, config: &Config) -> Result<(), redis::RedisError> {
    const PROMOTE: &str = "\
        local ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1) \
        if #ids > 0 then \
            redis.call('RPUSH', KEYS[2], unpack(ids)) \
            redis.call('ZREM', KEYS[1], unpack(ids)) \
        end \
        return #ids";
    let script = Script::new(PROMOTE);
    loop {
        let promoted: usize = script
            .key(config.scheduled_jobs_set())
            .key(config.active_jobs_list())
            .arg(PROMOTED)
            .invoke_async(connection)
            .await?;
        if promoted < PROMOTED {
            return Ok(());
        }
    }
}

/// Deletes handled tasks. One that is no longer this worker's was taken for abandoned and may wait again.
pub async fn forget(
    connection: &mut ConnectionManager,
    config: &Config,
    inflight: &str,
    ids: &[&str],
) -> Result<(), redis::RedisError> {
    const FORGET: &str = "\
        for i = 2, #ARGV do \
            if redis.call('SREM', KEYS[1], ARGV[i]) == 0 then redis.call('LREM', KEYS[2], 0, ARGV[i]) end \
            redis.call('HDEL', KEYS[3], ARGV[i]) \
            redis.call('DEL', ARGV[1] .. ':' .. ARGV[i]) \
        end";
    invoke(FORGET, connection, config, inflight, ids).await
}

/// Has tasks of this worker's taken again; one that is not whole any more would fail whoever takes it, and is deleted.
pub async fn give_back(
    connection: &mut ConnectionManager,
    config: &Config,
    inflight: &str,
    ids: &[&str],
) -> Result<(), redis::RedisError> {
    const GIVE_BACK: &str = "\
        for i = 2, #ARGV do \
            if redis.call('SREM', KEYS[1], ARGV[i]) == 1 then \
                local meta = ARGV[1] .. ':' .. ARGV[i] \
                if redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1 and redis.call('HEXISTS', meta, 'attempts') == 1 then \
                    redis.call('RPUSH', KEYS[2], ARGV[i]) \
                else \
                    redis.call('HDEL', KEYS[3], ARGV[i]) \
                    redis.call('DEL', meta) \
                end \
            end \
        end";
    invoke(GIVE_BACK, connection, config, inflight, ids).await
}

async fn invoke(
    script: &str,
    connection: &mut ConnectionManager,
    config: &Config,
    inflight: &str,
    ids: &[&str],
) -> Result<(), redis::RedisError> {
    if ids.is_empty() {
        return Ok(());
    }
    Script::new(script)
        .key(inflight)
        .key(config.active_jobs_list())
        .key(config.job_data_hash())
        .arg(config.job_meta_hash())
        .arg(ids)
        .invoke_async(connection)
        .await
}
