//! Keeping what providers tell: events once each, with the job that applies them, in one transaction.
//!
//! Fails while the database does not take them; the provider is answered with an error and delivers again.

use crate::{error::ApiResult, state::SharedState};
use chrono::{DateTime, Utc};
use jobs::{
    campaigns::request,
    provider_events,
    whatsapp::{numbers, templates},
};
use providers::messaging::{EventKind, ProviderEvent};
use schema::{AsyncConnection, DbError};
use sha2::{Digest, Sha256};

/// Keeps the events of a provider and enqueues the job that applies them.
pub(super) async fn keep(
    state: &SharedState,
    provider: &str,
    events: &[ProviderEvent],
    now: DateTime<Utc>,
) -> ApiResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut connection = state.services.db.get().await?;
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| {
            match provider_events::keep(connection, provider, events, now).await? {
                // delivered before, and seen to then
                0 => Ok(Vec::new()),
                _ => {
                    let mut enqueued = request::events_arrived(connection, now).await?;
                    enqueued.extend(templates::events_arrived(connection, now, events).await?);
                    enqueued.extend(numbers::events_arrived(connection, now, events).await?);
                    Ok(enqueued)
                }
            }
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&enqueued).await;
    Ok(())
}

/// What a delivery says, or the delivery itself when that cannot be read.
pub(super) fn read<E: std::error::Error + 'static>(
    body: &[u8],
    parsed: Result<Vec<ProviderEvent>, E>,
    now: DateTime<Utc>,
) -> Vec<ProviderEvent> {
    match parsed {
        // a clock that runs ahead of ours must not hold an event back
        Ok(events) => {
            events.into_iter().map(|event| ProviderEvent { occurred_at: event.occurred_at.min(now), ..event }).collect()
        }
        Err(error) => vec![unreadable(body, &error, now)],
    }
}

/// A delivery that is surely from the provider but cannot be read: kept as it came, for people. Delivered again it would
/// be the same.
fn unreadable(body: &[u8], error: &(dyn std::error::Error + 'static), now: DateTime<Utc>) -> ProviderEvent {
    tracing::error!(error, length = body.len(), "a signed delivery cannot be read; it is kept");
    let text = String::from_utf8_lossy(body).replace('\0', "");
    ProviderEvent {
        id: format!("unreadable:{}", hex::encode(Sha256::digest(body))),
        occurred_at: now,
        payload: serde_json::json!({"unreadable": text, "reason": error.to_string()}),
        kind: EventKind::Other,
    }
}
