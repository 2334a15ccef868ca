//! Events waiting to be applied: taken in pages, and marked with what came of them.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

/// An event that waits, locked by the caller's transaction.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Waiting {
    /// Orders events as they came.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Who told it.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// `status`, `feedback`, `inbound` or `other`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Our message, when the provider echoed our id.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub message_id: Option<i64>,
    /// The provider's id: of our message for a status, of theirs for an inbound one.
    #[diesel(sql_type = Nullable<Text>)]
    pub provider_message_id: Option<String>,
    /// A name of `MessageStatus`.
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<String>,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_message: Option<String>,
    /// Whom it is about, in E.164.
    #[diesel(sql_type = Nullable<Text>)]
    pub address: Option<String>,
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
    /// When it came.
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
    /// When it was to be applied at the earliest.
    #[diesel(sql_type = Timestamptz)]
    pub apply_after: DateTime<Utc>,
    /// What was read from an inbound message; of a status nothing.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub inbound: Option<Value>,
    /// What the provider charges, as `{amount, currency}`.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub cost: Option<Value>,
    /// A name of `BounceKind`.
    #[diesel(sql_type = Nullable<Text>)]
    pub bounce: Option<String>,
    /// A name of `Feedback`.
    #[diesel(sql_type = Nullable<Text>)]
    pub feedback: Option<String>,
    /// Not a person's doing.
    #[diesel(sql_type = Bool)]
    pub automatic: bool,
    /// The link that was followed.
    #[diesel(sql_type = Nullable<Text>)]
    pub url: Option<String>,
    /// What the message's template calls it.
    #[diesel(sql_type = Nullable<Text>)]
    pub link: Option<String>,
}

/// Takes up to `limit` due events of a lane, oldest first, leaving those that another run has taken. All that is about
/// one address is of one lane.
pub async fn take(
    connection: &mut AsyncPgConnection,
    (lane, lanes): (i32, i32),
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    Ok(sql("SELECT id, provider, kind, message_id, provider_message_id, status, error_code, error_message, address, \
                occurred_at, received_at, apply_after, payload -> 'inbound' AS inbound, \
                payload -> 'cost' AS cost, bounce, feedback, automatic, url, payload ->> 'link' AS link \
         FROM provider_events WHERE applied_at IS NULL AND apply_after <= $1 \
           AND (hashtext(lower(COALESCE(address, provider_message_id, ''))) & 2147483647) % $4 = $3 \
         ORDER BY apply_after, id LIMIT $2 FOR UPDATE SKIP LOCKED")
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Integer, _>(lane)
    .bind::<Integer, _>(lanes)
    .load(connection)
    .await?)
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// It changed its message.
    Applied,
    /// Its message was further already.
    Superseded,
    /// No message of ours is meant.
    Orphan,
    /// Kept for the record only.
    Ignored,
}

impl EventOutcome {
    /// The name in `provider_events.outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Orphan => "orphan",
            Self::Ignored => "ignored",
        }
    }
}

/// An event that is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The event.
    pub id: i64,
    /// The message it turned out to be about.
    pub message_id: Option<i64>,
    /// What came of it.
    pub outcome: EventOutcome,
}

/// Marks events as done with.
pub async fn finish(
    connection: &mut AsyncPgConnection,
    settled: &[Settled],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<i64> = settled.iter().map(|event| event.id).collect();
    let messages: Vec<Option<i64>> = settled.iter().map(|event| event.message_id).collect();
    let outcomes: Vec<&str> = settled.iter().map(|event| event.outcome.as_str()).collect();
    sql("UPDATE provider_events e SET applied_at = $4, outcome = g.outcome, \
            message_id = COALESCE(e.message_id, g.message_id) \
         FROM unnest($1, $2, $3) AS g (id, message_id, outcome) WHERE e.id = g.id")
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Nullable<BigInt>>, _>(messages)
    .bind::<Array<Text>, _>(outcomes)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves events for later: (event, not before).
pub async fn defer(connection: &mut AsyncPgConnection, later: &[(i64, DateTime<Utc>)]) -> Result<(), DbError> {
    let (ids, times): (Vec<i64>, Vec<DateTime<Utc>>) = later.iter().copied().unzip();
    sql("UPDATE provider_events e SET apply_after = g.apply_after \
         FROM unnest($1, $2) AS g (id, apply_after) WHERE e.id = g.id")
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Timestamptz>, _>(times)
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<DateTime<Utc>>,
}

/// When the first waiting event is to be applied.
pub async fn next_at(connection: &mut AsyncPgConnection) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: Next = sql("SELECT min(apply_after) AS at FROM provider_events WHERE applied_at IS NULL")
        .get_result(connection)
        .await?;
    Ok(row.at)
}

/// A link of a message that was followed.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ClickRow {
    /// The event.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub message_id: i64,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
    /// Where it leads.
    #[diesel(sql_type = Text)]
    pub url: String,
}

/// The latest clicks of each of these messages, up to `limit` of each, told by `provider`.
pub async fn clicks(
    connection: &mut AsyncPgConnection,
    provider: &str,
    messages: &[i64],
    limit: i64,
) -> Result<Vec<ClickRow>, DbError> {
    Ok(sql("SELECT c.id, c.message_id, c.occurred_at, c.url FROM unnest($1::BIGINT[]) AS m (id) \
         CROSS JOIN LATERAL (SELECT e.id, e.message_id, e.occurred_at, COALESCE(e.url, '') AS url \
                             FROM provider_events e \
                             WHERE e.message_id = m.id AND e.provider = $2 AND e.feedback = 'clicked' \
                             ORDER BY e.id DESC LIMIT $3) AS c")
    .bind::<Array<BigInt>, _>(messages)
    .bind::<Text, _>(provider)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}
