//! Keeping events, each once.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

/// An event to keep, with what applying it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The provider's own id of it, or one derived from what it says.
    pub event_id: String,
    /// `status`, `feedback`, `inbound` or `other`.
    pub kind: &'static str,
    /// Our message, when the provider echoed our id.
    pub message_id: Option<i64>,
    /// The provider's id: of our message for a status, of theirs for an inbound one.
    pub provider_message_id: Option<String>,
    /// Where our message stands, by a name of `MessageStatus`.
    pub status: Option<&'static str>,
    /// Why it failed.
    pub error_code: Option<String>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Whom it is about: E.164, or an address in small letters.
    pub address: Option<String>,
    /// When it happened, by the provider's clock.
    pub occurred_at: DateTime<Utc>,
    /// As it came, with what was read from an inbound message under `inbound`.
    pub payload: Value,
    /// How the message came back, by a name of `BounceKind`.
    pub bounce: Option<&'static str>,
    /// What the recipient did, by a name of `Feedback`.
    pub feedback: Option<&'static str>,
    /// Not a person's doing.
    pub automatic: bool,
    /// The link that was followed.
    pub url: Option<String>,
    /// Not to be applied before.
    pub apply_after: DateTime<Utc>,
}

/// Keeps the events that are not kept yet; answers how many were new.
pub async fn insert(
    connection: &mut AsyncPgConnection,
    provider: &str,
    events: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    fn column<'a, T>(events: &'a [NewEvent], of: impl Fn(&'a NewEvent) -> T) -> Vec<T> {
        events.iter().map(of).collect()
    }
    // in the order of their ids, so that two deliveries of the same events wait for each other instead of deadlocking
    Ok(sql("INSERT INTO provider_events (provider, provider_event_id, kind, message_id, provider_message_id, status, \
            error_code, error_message, address, occurred_at, payload, apply_after, bounce, feedback, automatic, url, received_at) \
         SELECT $1, g.* , $2 FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
            AS g (event_id, kind, message_id, provider_message_id, status, error_code, error_message, address, \
                  occurred_at, payload, apply_after, bounce, feedback, automatic, url) \
         ORDER BY g.event_id \
         ON CONFLICT (provider, provider_event_id) DO NOTHING")
    .bind::<Text, _>(provider)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(column(events, |event| event.event_id.as_str()))
    .bind::<Array<Text>, _>(column(events, |event| event.kind))
    .bind::<Array<Nullable<BigInt>>, _>(column(events, |event| event.message_id))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.provider_message_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.status))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.error_code.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.error_message.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.address.as_deref()))
    .bind::<Array<Timestamptz>, _>(column(events, |event| event.occurred_at))
    .bind::<Array<Jsonb>, _>(column(events, |event| &event.payload))
    .bind::<Array<Timestamptz>, _>(column(events, |event| event.apply_after))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.bounce))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.feedback))
    .bind::<Array<Bool>, _>(column(events, |event| event.automatic))
    .bind::<Array<Nullable<Text>>, _>(column(events, |event| event.url.as_deref()))
    .execute(connection)
    .await?)
}
