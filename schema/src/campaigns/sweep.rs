//! What a campaign may need though nothing is left that would do it: found by looking at the whole, not by memory.
//!
//! A job that ran out of attempts, was cancelled by hand or was pruned leaves its campaign without anybody. These
//! queries look only at campaigns under way, which are few, and at partial indexes of live rows.

use super::events::IS_OVER;
use crate::{DbError, names::Known};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// A lane of a campaign: the messages on the channel whose id leaves `lane` when divided by the number of lanes.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Lane {
    /// Which campaign.
    #[diesel(sql_type = BigInt)]
    pub campaign: i64,
    /// Which lane, from 0.
    #[diesel(sql_type = BigInt)]
    pub lane: i64,
    /// On which channel.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// The campaign's own channel.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub own: Channel,
}

/// Lanes of active campaigns that have messages to send and no living job, whose unique key would be
/// `{prefix}{campaign}:{lane}`, with `:{channel}` behind it on another channel than the campaign's own. `steps` says how many lanes a campaign of at least so many messages has.
pub async fn idle_lanes(
    connection: &mut AsyncPgConnection,
    prefix: &str,
    steps: &[(i32, i64)],
    limit: i64,
) -> Result<Vec<Lane>, DbError> {
    let from: Vec<i64> = steps.iter().map(|(from, _)| i64::from(*from)).collect();
    let lanes: Vec<i64> = steps.iter().map(|(_, lanes)| *lanes).collect();
    Ok(sql_query(
        "SELECT c.id AS campaign, l.lane, ch.channel, c.campaign_type::TEXT AS own \
         FROM campaigns c \
         CROSS JOIN LATERAL (SELECT max(s.lanes) AS lanes FROM unnest($2::BIGINT[], $3::BIGINT[]) AS s (at_least, lanes) \
                             WHERE s.at_least <= COALESCE(c.target_count, 0)) AS n \
         CROSS JOIN LATERAL generate_series(0, n.lanes - 1) AS l (lane) \
         CROSS JOIN (VALUES ('email'), ('whatsapp'), ('sms')) AS ch (channel) \
         WHERE c.status = 'active' AND c.audience_ready \
           AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.unique_key = $1 || c.id || ':' || l.lane \
                               || CASE WHEN ch.channel = c.campaign_type THEN '' ELSE ':' || ch.channel END \
                           AND j.state IN ('scheduled', 'available', 'running')) \
           AND EXISTS (SELECT 1 FROM messages m \
                       WHERE m.campaign_id = c.id AND m.channel = ch.channel AND m.status = 'pending' \
                         AND m.id % n.lanes = l.lane) \
         ORDER BY c.id, l.lane, ch.channel LIMIT $4",
    )
    .bind::<Text, _>(prefix)
    .bind::<Array<BigInt>, _>(from)
    .bind::<Array<BigInt>, _>(lanes)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Active campaigns that have nothing to send and are not completed: the job that should have said so is gone.
pub async fn undrained(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(format!(
        "SELECT c.id FROM campaigns c \
         WHERE c.status = 'active' AND c.audience_ready AND {IS_OVER} \
           AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.campaign_id = c.id AND m.status = 'pending') \
         ORDER BY c.id LIMIT $2"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Campaigns without an audience and without a living job that would write it, whose unique key would be one of
/// `{prefix}{campaign}`.
pub async fn broken(connection: &mut AsyncPgConnection, prefixes: &[&str], limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(
        "SELECT c.id FROM campaigns c \
         WHERE c.status IN ('preparing', 'paused', 'active') AND NOT c.audience_ready AND c.mode <> 'recurring' \
           AND NOT EXISTS (SELECT 1 FROM unnest($1::TEXT[]) AS p (prefix) \
                           JOIN jobs j ON j.unique_key = p.prefix || c.id \
                            AND j.state IN ('scheduled', 'available', 'running')) \
         ORDER BY c.id LIMIT $2",
    )
    .bind::<Array<Text>, _>(prefixes)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Campaigns that are over since `since` and still have pending messages, or people on their ladder, without a living job that suppresses them.
pub async fn unstopped(
    connection: &mut AsyncPgConnection,
    prefix: &str,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Id> = sql_query(
        "SELECT c.id FROM campaigns c \
         WHERE c.status IN ('cancelled', 'failed') AND c.completed_at >= $2 \
           AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.unique_key = $1 || c.id \
                           AND j.state IN ('scheduled', 'available', 'running')) \
           AND (EXISTS (SELECT 1 FROM messages m WHERE m.campaign_id = c.id AND m.status = 'pending') \
                OR EXISTS (SELECT 1 FROM campaign_enrolments e WHERE e.campaign_id = c.id AND e.state = 'active')) \
         ORDER BY c.id LIMIT $3",
    )
    .bind::<Text, _>(prefix)
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
