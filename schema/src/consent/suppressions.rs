//! Addresses that get nothing, or no marketing: one row a channel, address and reason.

use crate::{DbError, Part, names::Name, sql::sql, tables::suppressions};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{MessageId, UserId},
    messaging::{Channel, SuppressionReason, SuppressionScope, SuppressionSource},
};

/// An address to write to no more.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSuppression {
    pub channel: Channel,
    /// E.164, or an address; it is kept in small letters.
    pub address: String,
    pub reason: SuppressionReason,
    pub scope: SuppressionScope,
    pub source: SuppressionSource,
    /// What was said about it.
    pub detail: Option<String>,
    /// The message that it came of.
    pub message: Option<MessageId>,
    /// The employee who did it.
    pub created_by: Option<UserId>,
    /// Until when; `None` is for good.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewSuppression {
    /// The longest detail that is kept, in characters.
    pub const DETAIL_LIMIT: usize = 500;
}

// Of two words about the same, the one that holds more and longer stands; one that has run out is replaced.
const SUPPRESS: &str = "\
    INSERT INTO suppressions AS s \
        (channel, address, reason, scope, source, detail, message_id, created_by, expires_at, created_at) \
    SELECT DISTINCT ON (channel, address, reason) channel, address, reason, scope, source, detail, \
        (SELECT id FROM messages WHERE id = g.message_id), created_by, expires_at, $10 \
    FROM (SELECT channel, lower(address) AS address, reason, scope, source, detail, message_id, created_by, expires_at, n \
          FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY \
              AS u (channel, address, reason, scope, source, detail, message_id, created_by, expires_at, n)) g \
    ORDER BY channel, address, reason, scope, expires_at DESC NULLS FIRST, n \
    ON CONFLICT (channel, address, reason) DO UPDATE SET \
        scope = CASE WHEN s.expires_at <= $10 OR EXCLUDED.scope = 'all' THEN EXCLUDED.scope ELSE s.scope END, \
        expires_at = CASE WHEN s.expires_at <= $10 THEN EXCLUDED.expires_at \
            WHEN s.expires_at IS NULL OR EXCLUDED.expires_at IS NULL THEN NULL \
            ELSE greatest(s.expires_at, EXCLUDED.expires_at) END, \
        source = EXCLUDED.source, detail = EXCLUDED.detail, message_id = EXCLUDED.message_id, \
        created_by = EXCLUDED.created_by, created_at = EXCLUDED.created_at \
    WHERE s.expires_at <= $10 OR (s.scope = 'marketing' AND EXCLUDED.scope = 'all') \
        OR (s.expires_at IS NOT NULL AND (EXCLUDED.expires_at IS NULL OR EXCLUDED.expires_at > s.expires_at)) \
    RETURNING s.id";

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Puts addresses on the list; answers the entries that are new or hold more than before.
pub async fn suppress(
    connection: &mut AsyncPgConnection,
    entries: &[NewSuppression],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, DbError> {
    fn column<'a, T>(entries: &'a [NewSuppression], of: impl Fn(&'a NewSuppression) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let detail = |entry: &NewSuppression| {
        entry.detail.as_ref().map(|text| text.chars().take(NewSuppression::DETAIL_LIMIT).collect::<String>())
    };
    let rows: Vec<IdRow> = sql(SUPPRESS)
        .bind::<Array<Text>, _>(column(entries, |entry| entry.channel.as_str()))
        .bind::<Array<Text>, _>(column(entries, |entry| entry.address.as_str()))
        .bind::<Array<Text>, _>(column(entries, |entry| entry.reason.as_str()))
        .bind::<Array<Text>, _>(column(entries, |entry| entry.scope.as_str()))
        .bind::<Array<Text>, _>(column(entries, |entry| entry.source.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(entries, detail))
        .bind::<Array<Nullable<BigInt>>, _>(column(entries, |entry| entry.message.map(|id| id.0)))
        .bind::<Array<Nullable<BigInt>>, _>(column(entries, |entry| entry.created_by.map(|id| id.0)))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(entries, |entry| entry.expires_at))
        .bind::<Timestamptz, _>(now)
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Takes addresses off the list, for these reasons only; answers how many entries that were.
pub async fn unsuppress(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    addresses: &[String],
    reasons: &[SuppressionReason],
) -> Result<usize, DbError> {
    let addresses: Vec<String> = addresses.iter().map(|address| address.to_lowercase()).collect();
    let reasons: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    let listed = suppressions::channel.eq(channel.as_str()).and(suppressions::address.eq_any(addresses));
    let lifted = suppressions::table.filter(listed.and(suppressions::reason.eq_any(reasons)));
    Ok(diesel::delete(lifted).execute(connection).await?)
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = suppressions)]
pub struct SuppressionRow {
    pub id: i64,
    #[diesel(deserialize_as = Name)]
    pub channel: Channel,
    pub address: String,
    #[diesel(deserialize_as = Name)]
    pub reason: SuppressionReason,
    #[diesel(deserialize_as = Name)]
    pub scope: SuppressionScope,
    #[diesel(deserialize_as = Name)]
    pub source: SuppressionSource,
    pub detail: Option<String>,
    pub message_id: Option<i64>,
    pub created_by: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which ones.
#[derive(Debug, Clone, Default)]
pub struct SuppressionFilter {
    pub channel: Option<Channel>,
    /// The whole address.
    pub address: Option<String>,
    pub reason: Option<SuppressionReason>,
}

type Boxed<'a> = suppressions::BoxedQuery<'a, diesel::pg::Pg>;

fn filtered(filter: &SuppressionFilter) -> Boxed<'_> {
    let mut query = suppressions::table.into_boxed();
    if let Some(address) = &filter.address {
        // all channels named: the index begins with the channel
        let channels = filter.channel.map_or_else(|| Channel::NAMES.to_vec(), |channel| vec![channel.as_str()]);
        query = query.filter(suppressions::channel.eq_any(channels));
        query = query.filter(suppressions::address.eq(address.to_lowercase()));
    } else if let Some(channel) = filter.channel {
        query = query.filter(suppressions::channel.eq(channel.as_str()));
    }
    if let Some(reason) = filter.reason {
        query = query.filter(suppressions::reason.eq(reason.as_str()));
    }
    query
}

/// A page, newest first, and how many there are, as far as counted.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &SuppressionFilter,
    part: Part,
) -> Result<(Vec<SuppressionRow>, i64), DbError> {
    let page = filtered(filter).order(suppressions::id.desc()).offset(part.offset).limit(part.limit);
    let rows = page.select(SuppressionRow::as_select()).load(connection).await?;
    let ids = filtered(filter).select(suppressions::id).limit(part.count_cap + 1);
    let counted: Vec<i64> = ids.load(connection).await?;
    Ok((rows, i64::try_from(counted.len()).unwrap_or(i64::MAX)))
}

/// The entries after an id, oldest first.
pub async fn after(
    connection: &mut AsyncPgConnection,
    filter: &SuppressionFilter,
    id: i64,
    limit: i64,
) -> Result<Vec<SuppressionRow>, DbError> {
    let next = filtered(filter).filter(suppressions::id.gt(id)).order(suppressions::id).limit(limit);
    Ok(next.select(SuppressionRow::as_select()).load(connection).await?)
}

/// One entry, which stays as it is until the transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection, id: i64) -> Result<Option<SuppressionRow>, DbError> {
    let found = suppressions::table.find(id).select(SuppressionRow::as_select()).for_update();
    Ok(found.first(connection).await.optional()?)
}

/// Takes one entry off the list.
pub async fn delete(connection: &mut AsyncPgConnection, id: i64) -> Result<(), DbError> {
    diesel::delete(suppressions::table.find(id)).execute(connection).await?;
    Ok(())
}

/// What holds against some addresses on a channel.
pub async fn of_address(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    address: &str,
) -> Result<Vec<SuppressionRow>, DbError> {
    let filter = SuppressionFilter { channel: Some(channel), address: Some(address.to_owned()), reason: None };
    Ok(filtered(&filter).order(suppressions::id).select(SuppressionRow::as_select()).load(connection).await?)
}
