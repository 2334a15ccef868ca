//! Word of campaigns whose figures changed, from whoever measured them to whoever watches: Redis publish/subscribe, best
//! effort.
//!
//! A lost word costs a watcher the time until the next one; whoever begins to watch reads the figures first.

use super::redis::Redis;
use chrono::{DateTime, Utc};
use domain::campaigns::{
    CampaignStatus,
    figures::{Amounts, Failure, Figures},
    report::{FAILURES, Metrics},
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};

/// Changes not yet published or not yet heard; older ones are dropped.
const BACKLOG: usize = 1_024;

/// A subscription that hears nothing for this long is renewed, in case it has silently died.
const SILENCE: Duration = Duration::from_secs(30);

/// How long to wait before subscribing again.
const PAUSE: Duration = Duration::from_millis(500);

/// A campaign's figures changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FiguresEvent {
    /// Which.
    pub campaign: i64,
    /// Where it stands.
    pub status: CampaignStatus,
    /// What they are now.
    pub metrics: Metrics,
    /// What did not arrive, most first; at most [`FAILURES`].
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// What was spent.
    #[serde(default)]
    pub cost: Amounts,
    /// Renewal amounts of converted cases.
    #[serde(default)]
    pub revenue: Amounts,
    /// As of when.
    pub at: DateTime<Utc>,
}

impl FiguresEvent {
    /// That a campaign stands there with these figures.
    pub fn of(campaign: i64, status: CampaignStatus, figures: Figures, at: DateTime<Utc>) -> Self {
        let Figures { whole, mut failures, .. } = figures;
        failures.truncate(FAILURES);
        Self { campaign, status, metrics: whole.metrics, failures, cost: whole.cost, revenue: whole.revenue, at }
    }
}

/// Publishes and hears figures; cheap to clone. Its tasks start with their first use and end with the process.
#[derive(Clone)]
pub struct FiguresEvents {
    redis: Redis,
    publisher: Arc<OnceLock<mpsc::Sender<FiguresEvent>>>,
    heard: Arc<OnceLock<broadcast::Sender<FiguresEvent>>>,
}

impl FiguresEvents {
    /// Over that Redis.
    pub fn new(redis: Redis) -> Self {
        Self { redis, publisher: Arc::default(), heard: Arc::default() }
    }

    /// Publishes without waiting; drops the word when Redis cannot keep up.
    pub fn publish(&self, event: FiguresEvent) {
        let publisher = self.publisher.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(BACKLOG);
            tokio::spawn(publish(self.redis.clone(), receiver));
            sender
        });
        // full: the next measurement is told
        let _dropped = publisher.try_send(event);
    }

    /// Hears what is published from now on, or shortly after by the first listener.
    pub fn subscribe(&self) -> broadcast::Receiver<FiguresEvent> {
        let heard = self.heard.get_or_init(|| {
            let (sender, _) = broadcast::channel(BACKLOG);
            tokio::spawn(hear(self.redis.clone(), sender.clone()));
            sender
        });
        heard.subscribe()
    }
}

async fn publish(redis: Redis, mut events: mpsc::Receiver<FiguresEvent>) {
    let channel = redis.key("figures");
    while let Some(event) = events.recv().await {
        let Ok(message) = serde_json::to_vec(&event) else { continue };
        let published: Result<(), redis::RedisError> =
            redis::cmd("PUBLISH").arg(&channel).arg(message).query_async(&mut redis.connection()).await;
        if let Err(error) = published {
            tracing::debug!(%error, "a campaign's figures were not published");
        }
    }
}

async fn hear(redis: Redis, heard: broadcast::Sender<FiguresEvent>) {
    loop {
        if let Err(error) = listen(&redis, &heard).await {
            tracing::debug!(%error, "figures of campaigns are not heard");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Ends without an error when nothing was heard for a while.
async fn listen(redis: &Redis, heard: &broadcast::Sender<FiguresEvent>) -> Result<(), redis::RedisError> {
    let mut subscription = redis.client().get_async_pubsub().await?;
    subscription.subscribe(redis.key("figures")).await?;
    let mut messages = subscription.on_message();
    while let Ok(Some(message)) = tokio::time::timeout(SILENCE, messages.next()).await {
        // what a newer program says and this one cannot read is passed over; nobody listening is nobody's loss
        if let Ok(event) = serde_json::from_slice(message.get_payload_bytes()) {
            let _unheard = heard.send(event);
        }
    }
    Ok(())
}
