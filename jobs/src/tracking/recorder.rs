//! Keeps what was seen: a bounded memory, emptied into `provider_events` in bulk.
//!
//! The same sight within a minute is one event: a picture that is loaded a thousand times is one row. While the database
//! does not answer, what is in memory waits; what comes when it is full is counted, told of in the log, and lost.

use crate::{campaigns::request::events_arrived, provider_events::keep, services::SharedServices};
use chrono::{DateTime, Utc};
use domain::{
    ids::MessageId,
    messaging::{Correlation, Feedback},
};
use providers::messaging::{EventKind, FeedbackEvent, ProviderEvent};
use schema::{AsyncConnection, DbError};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

/// What keeps these events apart from those of providers.
pub const PROVIDER: &str = "tracking";

/// Events in memory.
const ROOM: usize = 20_000;
/// Events written at once.
const PIECE: usize = 1_000;
/// How long events are gathered before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// How long the database is left alone after it did not take them.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of a program's name as is kept, in characters.
const AGENT: usize = 200;

/// A sight of a message.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The message.
    pub message: MessageId,
    /// When.
    pub at: DateTime<Utc>,
    /// Not a person's doing.
    pub automatic: bool,
    /// The program's name for itself.
    pub agent: Option<&'a str>,
}

impl Seen<'_> {
    fn event(&self, feedback: Feedback, url: Option<String>, link: Option<String>) -> ProviderEvent {
        // an open or a click comes to nothing new within a minute; a program's does not hide a person's
        let of_url = url.as_ref().map(|url| hex::encode(&Sha256::digest(url)[..8])).unwrap_or_default();
        let minute = self.at.timestamp().div_euclid(60);
        let id = format!("{feedback}:{}:{minute}:{}:{of_url}", self.message.0, u8::from(self.automatic));
        let agent: Option<String> = self.agent.map(|agent| agent.chars().take(AGENT).collect());
        let correlation = Correlation { message: self.message, attempt: 1 };
        ProviderEvent {
            id,
            occurred_at: self.at,
            payload: json!({"agent": agent.map(|agent| agent.replace('\0', "")), "link": link}),
            kind: EventKind::Feedback(FeedbackEvent {
                provider_message_id: correlation.to_string(),
                correlation: Some(correlation),
                feedback,
                recipient: None,
                url,
                automatic: self.automatic,
                detail: None,
            }),
        }
    }
}

/// A message was opened.
pub fn open_event(seen: &Seen<'_>) -> ProviderEvent {
    seen.event(Feedback::Opened, None, None)
}

/// A link of a message was followed; `link`: what its template calls it, if that is known.
pub fn click_event(seen: &Seen<'_>, url: String, link: Option<String>) -> ProviderEvent {
    seen.event(Feedback::Clicked, Some(url), link)
}

/// The recipient wants no more.
pub fn unsubscribed_event(seen: &Seen<'_>) -> ProviderEvent {
    seen.event(Feedback::Unsubscribed, None, None)
}

/// Takes events, and keeps them by and by.
pub struct Recorder {
    shared: Arc<Shared>,
    /// Started with the first event.
    sender: OnceLock<mpsc::Sender<ProviderEvent>>,
}

struct Shared {
    services: SharedServices,
    /// Taken, and not kept yet.
    open: AtomicU64,
    lost: AtomicU64,
    written: Notify,
}

impl Recorder {
    /// Over a process's services.
    pub fn new(services: SharedServices) -> Self {
        let shared = Shared { services, open: AtomicU64::new(0), lost: AtomicU64::new(0), written: Notify::new() };
        Self { shared: Arc::new(shared), sender: OnceLock::new() }
    }

    /// Takes an event; never waits.
    pub fn record(&self, event: ProviderEvent) {
        let sender = self.sender.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(ROOM);
            tokio::spawn(write_all(Arc::clone(&self.shared), receiver));
            sender
        });
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        if sender.try_send(event).is_err() {
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
            let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(lost, "sights of messages are lost: they come faster than they can be kept");
            }
        }
    }

    /// Waits until everything taken is kept, at most this long: before the process ends.
    pub async fn drained(&self, at_most: Duration) {
        let all = async {
            loop {
                let written = self.shared.written.notified();
                if self.shared.open.load(Ordering::Relaxed) == 0 {
                    return;
                }
                written.await;
            }
        };
        if tokio::time::timeout(at_most, all).await.is_err() {
            let open = self.shared.open.load(Ordering::Relaxed);
            tracing::warn!(open, "sights of messages are lost: the database did not take them in time");
        }
    }
}

async fn write_all(shared: Arc<Shared>, mut receiver: mpsc::Receiver<ProviderEvent>) {
    let mut piece = Vec::with_capacity(PIECE);
    while receiver.recv_many(&mut piece, PIECE).await > 0 {
        if piece.len() < PIECE {
            tokio::time::sleep(GATHER).await;
            receiver_rest(&mut receiver, &mut piece);
        }
        while let Err(error) = write(&shared.services, &piece).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "sights of messages wait for the database");
            tokio::time::sleep(PATIENCE).await;
        }
        let count = u64::try_from(piece.len()).unwrap_or_default();
        piece.clear();
        shared.open.fetch_sub(count, Ordering::Relaxed);
        shared.written.notify_waiters();
    }
}

/// What has come meanwhile, as far as it fits.
fn receiver_rest(receiver: &mut mpsc::Receiver<ProviderEvent>, piece: &mut Vec<ProviderEvent>) {
    while piece.len() < PIECE {
        match receiver.try_recv() {
            Ok(event) => piece.push(event),
            Err(_) => return,
        }
    }
}

async fn write(services: &SharedServices, events: &[ProviderEvent]) -> Result<(), DbError> {
    let now = services.clock.now();
    let mut connection = services.db.get().await?;
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| match keep(connection, PROVIDER, events, now).await? {
            0 => Ok(Vec::new()),
            _ => events_arrived(connection, now).await,
        })
        .await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_same_within_a_minute_is_one_event() {
        let seen = Seen { message: MessageId(7), at: DateTime::UNIX_EPOCH, automatic: false, agent: Some("x") };
        let later = Seen { at: seen.at + TimeDelta::seconds(59), ..seen };
        assert_eq!(open_event(&seen).id, open_event(&later).id);
        let different = [
            open_event(&seen).id,
            open_event(&Seen { at: seen.at + TimeDelta::seconds(60), ..seen }).id,
            open_event(&Seen { automatic: true, ..seen }).id,
            open_event(&Seen { message: MessageId(8), ..seen }).id,
            click_event(&seen, "https://a.example".into(), None).id,
            click_event(&seen, "https://b.example".into(), None).id,
            unsubscribed_event(&seen).id,
        ];
        let distinct: std::collections::BTreeSet<&String> = different.iter().collect();
        assert_eq!(distinct.len(), different.len());
        assert!(different.iter().all(|id| id.len() <= ProviderEvent::ID_LIMIT));
    }
}
