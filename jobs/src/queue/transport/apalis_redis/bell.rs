//! The doorbell of a queue: whoever pushes rings, and the idle workers of the queue look.
//!
//! Publish/subscribe, best effort: an idle worker looks by itself now and then, and whenever it subscribes anew.

use crate::queue::job::Queue;
use crate::queue::redis::Redis;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A subscription that hears nothing for this long is renewed, in case it has silently died.
const SILENCE: Duration = Duration::from_secs(30);

/// How long to wait before subscribing again.
const PAUSE: Duration = Duration::from_millis(500);

/// The channel of a queue.
pub fn channel(redis: &Redis, queue: Queue) -> String {
    redis.key(&format!("bell:{}", queue.name()))
}

/// Notifies `heard` of each ring until the task is aborted.
pub async fn listen(redis: Redis, queue: Queue, heard: Arc<Notify>) {
    loop {
        if let Err(error) = subscribe(&redis, queue, &heard).await {
            tracing::debug!(%error, queue = queue.name(), "the doorbell is not heard");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Ends without an error when nothing was heard for a while.
async fn subscribe(redis: &Redis, queue: Queue, heard: &Notify) -> Result<(), redis::RedisError> {
    let mut subscription = redis.client().get_async_pubsub().await?;
    subscription.subscribe(channel(redis, queue)).await?;
    // what came before
    heard.notify_one();
    let mut rings = subscription.on_message();
    while let Ok(Some(_)) = tokio::time::timeout(SILENCE, rings.next()).await {
        heard.notify_one();
    }
    Ok(())
}
