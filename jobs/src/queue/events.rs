//! Word of jobs that changed state, from whoever changed them to whoever waits: Redis publish/subscribe, best effort.
//!
//! A lost word costs a listener a second: whoever waits for a job also looks it up now and then.

use super::redis::Redis;
use futures_util::StreamExt;
use schema::ledger::JobState;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

/// Changes not yet published or not yet heard; older ones are dropped.
const BACKLOG: usize = 4_096;

/// A subscription that hears nothing for this long is renewed, in case it has silently died.
const SILENCE: Duration = Duration::from_secs(30);

/// How long to wait before subscribing again.
const PAUSE: Duration = Duration::from_millis(500);

/// A job reached a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEvent {
    /// The job.
    pub id: Uuid,
    /// Where it stands now.
    pub state: JobState,
}

/// Publishes and hears job events; cheap to clone. Its tasks start with their first use and end with the process.
#[derive(Clone)]
pub struct JobEvents {
    redis: Redis,
    publisher: Arc<OnceLock<mpsc::Sender<Vec<JobEvent>>>>,
    heard: Arc<OnceLock<broadcast::Sender<JobEvent>>>,
}

impl JobEvents {
    /// Over that Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, publisher: Arc::default(), heard: Arc::default() }
    }

    /// Publishes without waiting; drops the word when Redis cannot keep up.
    pub fn publish(&self, events: Vec<JobEvent>) {
        if events.is_empty() {
            return;
        }
        let publisher = self.publisher.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(BACKLOG);
            tokio::spawn(publish(self.redis.clone(), receiver));
            sender
        });
        // full: listeners look the job up
        let _dropped = publisher.try_send(events);
    }

    /// Hears what is published from now on, or shortly after by the first listener.
    pub fn subscribe(&self) -> broadcast::Receiver<JobEvent> {
        let heard = self.heard.get_or_init(|| {
            let (sender, _) = broadcast::channel(BACKLOG);
            tokio::spawn(hear(self.redis.clone(), sender.clone()));
            sender
        });
        heard.subscribe()
    }
}

async fn publish(redis: Redis, mut events: mpsc::Receiver<Vec<JobEvent>>) {
    let channel = redis.key("events");
    let mut batch = Vec::new();
    while events.recv_many(&mut batch, BACKLOG).await > 0 {
        let message = encode(batch.drain(..).flatten());
        let published: Result<(), redis::RedisError> =
            redis::cmd("PUBLISH").arg(&channel).arg(message).query_async(&mut redis.connection()).await;
        if let Err(error) = published {
            tracing::debug!(%error, "job events were not published");
        }
    }
}

async fn hear(redis: Redis, heard: broadcast::Sender<JobEvent>) {
    loop {
        if let Err(error) = listen(&redis, &heard).await {
            tracing::debug!(%error, "job events are not heard");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Ends without an error when nothing was heard for a while.
async fn listen(redis: &Redis, heard: &broadcast::Sender<JobEvent>) -> Result<(), redis::RedisError> {
    let mut subscription = redis.client().get_async_pubsub().await?;
    subscription.subscribe(redis.key("events")).await?;
    let mut messages = subscription.on_message();
    while let Ok(Some(message)) = tokio::time::timeout(SILENCE, messages.next()).await {
        for event in decode(message.get_payload_bytes()) {
            // nobody listens now: the next listener looks the job up first
            let _unheard = heard.send(event);
        }
    }
    Ok(())
}

/// `id state` lines.
fn encode(events: impl Iterator<Item = JobEvent>) -> String {
    events.map(|event| format!("{} {}\n", event.id, event.state.name())).collect()
}

fn decode(message: &[u8]) -> Vec<JobEvent> {
    let event = |line: &str| {
        let (id, state) = line.split_once(' ')?;
        Some(JobEvent { id: id.parse().ok()?, state: JobState::from_name(state)? })
    };
    std::str::from_utf8(message).map(|text| text.lines().filter_map(event).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_back_and_rubbish_is_skipped() {
        let event = JobEvent { id: Uuid::now_v7(), state: JobState::Succeeded };
        let message = format!("{}rubbish\nmore rubbish\n", encode([event].into_iter()));
        assert_eq!(decode(message.as_bytes()), [event]);
        assert_eq!(decode(&[0xff, 0xfe]), []);
    }
}
