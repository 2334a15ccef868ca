//! Keeping events, from a webhook or from a provider that tells of itself.
//!
//! Events have ids derived from what they say, so keeping them again changes nothing. Applying comes later:
//! [`events_arrived`](crate::campaigns::request::events_arrived).

use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{BounceKind, Feedback};
use providers::messaging::{EventKind, ProviderEvent};
use schema::{
    AsyncPgConnection, DbError,
    provider_events::{NewEvent, insert},
};
use serde_json::{Value, json};

/// However far ahead a provider's clock says an event lies, it is not left for later than this.
const FARTHEST: TimeDelta = TimeDelta::minutes(1);
/// Clicks are judged together with those around them.
const BURST: TimeDelta = TimeDelta::seconds(2);
/// Events kept in one statement.
const PIECE: usize = 2_000;

/// Keeps the events of a provider that are not kept yet, on the caller's connection; answers how many were new.
pub async fn keep(
    connection: &mut AsyncPgConnection,
    provider: &str,
    events: &[ProviderEvent],
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    let mut kept = 0;
    for piece in events.chunks(PIECE) {
        let rows: Vec<NewEvent> = piece.iter().map(|event| row(event, now)).collect();
        kept += insert(connection, provider, &rows, now).await?;
    }
    Ok(kept)
}

/// An event as its row. One that lies ahead waits for its time.
fn row(event: &ProviderEvent, now: DateTime<Utc>) -> NewEvent {
    let mut row = NewEvent {
        event_id: event.id.clone(),
        kind: event.kind.as_str(),
        message_id: None,
        provider_message_id: None,
        status: None,
        error_code: None,
        error_message: None,
        address: None,
        occurred_at: event.occurred_at,
        payload: event.payload.clone(),
        bounce: None,
        feedback: None,
        automatic: false,
        url: None,
        apply_after: event.occurred_at.clamp(now, now + FARTHEST),
    };
    match &event.kind {
        EventKind::Status(status) => {
            row.message_id = status.correlation.map(|correlation| correlation.message.0);
            row.provider_message_id = Some(status.provider_message_id.clone());
            row.status = Some(status.status.as_str());
            row.address = status.recipient.clone();
            row.bounce = status.bounce.map(BounceKind::as_str);
            if let Some(cost) = &status.cost {
                add(&mut row.payload, "cost", json!({"amount": cost.amount, "currency": cost.currency}));
            }
            if let Some(failure) = &status.failure {
                row.error_code = failure.code.as_ref().map(ToString::to_string);
                row.error_message = Some(failure.detail.clone());
            }
        }
        EventKind::Feedback(feedback) => {
            row.message_id = feedback.correlation.map(|correlation| correlation.message.0);
            row.provider_message_id = Some(feedback.provider_message_id.clone());
            row.feedback = Some(feedback.feedback.as_str());
            row.address = feedback.recipient.clone();
            row.url = feedback.url.clone();
            row.automatic = feedback.automatic;
            if feedback.feedback == Feedback::Clicked {
                // a scanner follows every link within a second: all of them are known by then
                row.apply_after = now + BURST;
            }
            row.error_message = feedback.detail.clone();
        }
        EventKind::Inbound(inbound) => {
            row.provider_message_id = Some(inbound.provider_message_id.clone());
            row.address = Some(inbound.from.to_string());
            let read = json!({
                "text": inbound.text,
                "inReplyTo": inbound.in_reply_to,
                "choice": inbound.choice,
                "content": inbound.content,
                "profileName": inbound.profile_name,
            });
            add(&mut row.payload, "inbound", read);
        }
        EventKind::Other => {}
    }
    row
}

/// Puts what was read beside what came.
fn add(payload: &mut Value, name: &str, read: Value) {
    match payload {
        Value::Object(fields) => {
            fields.insert(name.to_owned(), read);
        }
        other => *other = json!({"event": other.take(), name: read}),
    }
}
