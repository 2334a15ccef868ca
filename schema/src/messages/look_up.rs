//! Attempts of unknown outcome that are looked up at their provider, and what became of those it never had.

use crate::{DbError, names::Known, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;
use std::collections::HashSet;

/// An attempt of unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct UnsettledRow {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Which attempt.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// Where it went.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// Not before this was it handed over.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// How often it was looked up.
    #[diesel(sql_type = SmallInt)]
    pub look_ups: i16,
    /// Other messages of unknown outcome to the same address, which what is found may be just as well.
    #[diesel(sql_type = BigInt)]
    pub rivals: i64,
}

/// Up to `limit` attempts of an account that are due to be looked up, unconfirmed since before `before`.
pub async fn unsettled(
    connection: &mut AsyncPgConnection,
    account: &str,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<UnsettledRow>, DbError> {
    Ok(sql("WITH due AS ( \
            SELECT id, attempts, address, look_ups FROM messages \
            WHERE status = 'unconfirmed' AND error_code IS DISTINCT FROM 'never_confirmed' AND account = $1 \
              AND COALESCE(look_up_at, updated_at) <= $3 AND updated_at <= $2 \
            ORDER BY COALESCE(look_up_at, updated_at) LIMIT $4 \
        ) \
        SELECT d.id, d.attempts, d.address, d.look_ups, handed.since, \
            (SELECT count(*) FROM messages o \
             WHERE o.status = 'unconfirmed' AND o.error_code IS DISTINCT FROM 'never_confirmed' AND o.account = $1 \
               AND o.address = d.address AND o.id <> d.id) AS rivals \
        FROM due d \
        CROSS JOIN LATERAL (SELECT c.checked_at AS since FROM message_checks c \
                            WHERE c.message_id = d.id AND c.verdict = 'send' ORDER BY c.id DESC LIMIT 1) AS handed")
    .bind::<Text, _>(account)
    .bind::<Timestamptz, _>(before)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    provider_message_id: String,
}

/// Those of a provider's ids that messages of ours are known by already.
pub async fn known_ids(
    connection: &mut AsyncPgConnection,
    provider: &str,
    ids: &[String],
) -> Result<HashSet<String>, DbError> {
    let rows: Vec<Name> = sql("SELECT provider_message_id FROM messages \
         WHERE provider = $1 AND provider_message_id = ANY($2)")
    .bind::<Text, _>(provider)
    .bind::<Array<Text>, _>(ids)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.provider_message_id).collect())
}

/// Leaves attempts for later: the message, which attempt, not before.
pub async fn look_up_later(
    connection: &mut AsyncPgConnection,
    later: &[(i64, i16, DateTime<Utc>)],
) -> Result<(), DbError> {
    // not `updated_at`: that is since when nothing is known
    sql("WITH given AS (SELECT * FROM unnest($1, $2, $3) AS g (id, attempts, at)), \
         held AS (SELECT m.id FROM messages m JOIN given g ON g.id = m.id AND g.attempts = m.attempts \
                  WHERE m.status = 'unconfirmed' ORDER BY m.id FOR UPDATE OF m) \
         UPDATE messages m SET look_up_at = g.at, look_ups = LEAST(m.look_ups + 1, 1000)::SMALLINT \
         FROM given g JOIN held USING (id) WHERE m.id = g.id")
    .bind::<Array<BigInt>, _>(later.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(later.iter().map(|(_, attempts, _)| *attempts).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(later.iter().map(|(.., at)| *at).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// A message that its provider never had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct NeverTaken {
    /// The message.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its campaign.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub campaign_id: Option<i64>,
    /// How it goes out.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// It is to be sent again; otherwise it has failed.
    #[diesel(sql_type = Bool)]
    pub again: bool,
}

/// Settles attempts that the provider proved it never had: they are to be sent again, unless their campaign sends no
/// more or they have had `most` attempts; then they have failed. No campaign is completed meanwhile.
pub async fn never_taken(
    connection: &mut AsyncPgConnection,
    attempts: &[(i64, i16)],
    most: i16,
    now: DateTime<Utc>,
) -> Result<Vec<NeverTaken>, DbError> {
    Ok(sql("WITH given AS (SELECT * FROM unnest($1, $2) AS g (id, attempts)), \
         sending AS MATERIALIZED ( \
            SELECT c.id FROM campaigns c \
            WHERE c.id IN (SELECT m.campaign_id FROM messages m JOIN given g ON g.id = m.id) AND c.audience_ready \
              AND c.status IN ('active', 'paused', 'awaiting_approval') ORDER BY c.id FOR SHARE \
         ), judged AS ( \
            SELECT m.id, m.attempts < $3 AND (m.campaign_id IS NULL \
                OR EXISTS (SELECT FROM sending c WHERE c.id = m.campaign_id)) AS again \
            FROM messages m JOIN given g ON g.id = m.id AND g.attempts = m.attempts \
            WHERE m.status = 'unconfirmed' ORDER BY m.id FOR UPDATE OF m \
         ) \
         UPDATE messages m SET updated_at = $4, look_up_at = NULL, look_ups = 0, \
            status = CASE WHEN j.again THEN 'pending' ELSE 'failed' END, \
            due_at = CASE WHEN j.again THEN $4 ELSE m.due_at END, \
            failed_at = CASE WHEN j.again THEN m.failed_at ELSE $4 END, \
            error_code = 'never_taken', error_message = 'the provider never had it' \
         FROM judged j WHERE m.id = j.id RETURNING m.id, m.campaign_id, m.channel::TEXT AS channel, j.again")
    .bind::<Array<BigInt>, _>(attempts.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(attempts.iter().map(|(_, attempts)| *attempts).collect::<Vec<_>>())
    .bind::<SmallInt, _>(most)
    .bind::<Timestamptz, _>(now)
    .load(connection)
    .await?)
}
