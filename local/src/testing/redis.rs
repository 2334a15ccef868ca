//! A Redis database for one test.

use redis::AsyncConnectionConfig;
use uuid::Uuid;

use super::shared;
use crate::error::LocalError;
use crate::options::Options;

/// In database 0, which no test is given: the number of databases handed out so far.
const COUNTER: &str = "testing:databases";

/// A numbered database of the shared Redis, empty when handed out.
#[derive(Debug, Clone)]
pub struct TestRedis {
    url: String,
    namespace: String,
}

impl TestRedis {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Unique to the test: a prefix for channels, which all databases share.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// Hands out the next database. Numbers come round again after some thousand tests, long after they are done with.
///
/// # Errors
/// As [`shared`](super::shared).
pub async fn redis() -> Result<TestRedis, LocalError> {
    let cluster = shared::shared().await?;
    let mut connection = connect(cluster.redis_url(), "connecting").await?;
    let count: u32 = ::redis::cmd("INCR")
        .arg(COUNTER)
        .query_async(&mut connection)
        .await
        .map_err(refused("handing out a database"))?;
    let number = 1 + count % (Options::for_tests().redis_databases - 1);
    let url = with_number(cluster.redis_url(), number);
    let mut connection = connect(&url, "connecting").await?;
    ::redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await.map_err(refused("emptying a database"))?;
    Ok(TestRedis { url, namespace: Uuid::new_v4().simple().to_string() })
}

async fn connect(url: &str, action: &'static str) -> Result<::redis::aio::MultiplexedConnection, LocalError> {
    let client = ::redis::Client::open(url).map_err(refused(action))?;
    client.get_multiplexed_async_connection_with_config(&AsyncConnectionConfig::new()).await.map_err(refused(action))
}

fn refused(action: &'static str) -> impl FnOnce(::redis::RedisError) -> LocalError {
    move |source| LocalError::Redis { action, source }
}

/// The same URL with another database; both forms end in the number.
fn with_number(url: &str, number: u32) -> String {
    format!("{}{number}", url.trim_end_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_url_is_replaced() {
        assert_eq!(with_number("redis+unix:///tmp/a/redis.sock?db=0", 17), "redis+unix:///tmp/a/redis.sock?db=17");
        assert_eq!(with_number("redis://:x@127.0.0.1:7000/0", 3), "redis://:x@127.0.0.1:7000/3");
    }
}
