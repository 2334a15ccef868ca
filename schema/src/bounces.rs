//! Mail that came back, by address: how often decides whether anything more is sent there.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::{BounceKind, Channel};

/// One message that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBounce {
    /// The message, when it is one of ours.
    pub message_id: Option<i64>,
    /// The event that told of it.
    pub event_id: i64,
    /// How it had gone out.
    pub channel: Channel,
    /// Where it was sent, in small letters.
    pub address: String,
    /// How it came back.
    pub kind: BounceKind,
    /// The server's code.
    pub code: Option<String>,
    /// What the server said.
    pub detail: Option<String>,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// The longest detail that is kept, in characters.
const DETAIL_LIMIT: usize = 500;

/// Keeps them, one a message and kind: the earliest, whatever order they come in. Answers how many were new or earlier.
pub async fn insert(connection: &mut AsyncPgConnection, bounces: &[NewBounce]) -> Result<usize, DbError> {
    fn column<'a, T>(bounces: &'a [NewBounce], of: impl Fn(&'a NewBounce) -> T) -> Vec<T> {
        bounces.iter().map(of).collect()
    }
    let detail =
        |bounce: &NewBounce| bounce.detail.as_ref().map(|text| text.chars().take(DETAIL_LIMIT).collect::<String>());
    Ok(sql("INSERT INTO bounces AS b (message_id, event_id, channel, address, kind, code, detail, occurred_at) \
         SELECT DISTINCT ON (message_id, CASE WHEN message_id IS NULL THEN event_id END, kind) * \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) \
            AS g (message_id, event_id, channel, address, kind, code, detail, occurred_at) \
         ORDER BY message_id, CASE WHEN message_id IS NULL THEN event_id END, kind, occurred_at, \
            COALESCE(code, ''), COALESCE(detail, '') \
         ON CONFLICT (message_id, kind) DO UPDATE SET event_id = EXCLUDED.event_id, code = EXCLUDED.code, \
            detail = EXCLUDED.detail, occurred_at = EXCLUDED.occurred_at \
         WHERE (EXCLUDED.occurred_at, COALESCE(EXCLUDED.code, ''), COALESCE(EXCLUDED.detail, '')) \
            < (b.occurred_at, COALESCE(b.code, ''), COALESCE(b.detail, ''))")
    .bind::<Array<Nullable<BigInt>>, _>(column(bounces, |bounce| bounce.message_id))
    .bind::<Array<BigInt>, _>(column(bounces, |bounce| bounce.event_id))
    .bind::<Array<Text>, _>(column(bounces, |bounce| bounce.channel.as_str()))
    .bind::<Array<Text>, _>(column(bounces, |bounce| bounce.address.as_str()))
    .bind::<Array<Text>, _>(column(bounces, |bounce| bounce.kind.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column(bounces, |bounce| bounce.code.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(bounces, detail))
    .bind::<Array<Timestamptz>, _>(column(bounces, |bounce| bounce.occurred_at))
    .execute(connection)
    .await?)
}

/// How often an address bounced in one way since a time.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// The channel's name.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// The address.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// The kind's name.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How often.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Counts by (channel, address, kind, since).
pub async fn count(
    connection: &mut AsyncPgConnection,
    asked: &[(Channel, String, BounceKind, DateTime<Utc>)],
) -> Result<Vec<Count>, DbError> {
    Ok(sql("SELECT a.channel, a.address, a.kind, n.count \
         FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TIMESTAMPTZ[]) AS a (channel, address, kind, since) \
         CROSS JOIN LATERAL (SELECT count(*) FROM bounces b WHERE b.channel = a.channel AND b.address = a.address \
                             AND b.kind = a.kind AND b.occurred_at > a.since) AS n")
    .bind::<Array<Text>, _>(asked.iter().map(|(channel, ..)| channel.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(asked.iter().map(|(_, address, ..)| address.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(asked.iter().map(|(_, _, kind, _)| kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(asked.iter().map(|(.., since)| *since).collect::<Vec<_>>())
    .load(connection)
    .await?)
}
