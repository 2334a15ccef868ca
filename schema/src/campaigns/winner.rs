//! Giving those who wait for it the variant that won.

use super::audience::{AWAITING_WINNER, PinnedText};
use super::variants::Variant;
use crate::DbError;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::ExclusionReason;
use domain::messaging::Channel;
use serde_json::Value;

/// What those who wait get.
#[derive(Debug, Clone)]
pub struct Prize<'a> {
    /// The variant.
    pub variant: &'a Variant,
    /// Its texts, one of them for any language.
    pub texts: &'a [PinnedText],
    /// What its messages say besides their template.
    pub content: Option<&'a Value>,
    /// When the first of them is due.
    pub from: DateTime<Utc>,
    /// Between two of them.
    pub gap: TimeDelta,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Gives it to up to `limit` of those who wait, whoever cannot be reached by it is left out. `before` have got theirs
/// already. Answers how many; 0: nobody waits any more.
pub async fn award(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    prize: &Prize<'_>,
    before: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<i64, DbError> {
    let (address, missing) = match prize.variant.channel {
        Channel::Email => ("c.email", ExclusionReason::NoEmail),
        Channel::Whatsapp | Channel::Sms => ("c.phone", ExclusionReason::NoPhone),
    };
    let Some(any) = prize.texts.iter().find(|text| text.language.is_none()) else { return Ok(0) };
    let row: Count = sql_query(format!(
        "WITH waiting AS ( \
            SELECT m.id, m.customer_id, row_number() OVER (ORDER BY m.id) - 1 AS turn FROM (\
                SELECT id, customer_id FROM messages \
                WHERE campaign_id = $1 AND status = 'pending' AND held_for = '{AWAITING_WINNER}' \
                ORDER BY id LIMIT $2 FOR UPDATE) AS m \
        ), given AS ( \
            UPDATE messages m SET updated_at = $3, held_for = NULL, \
                status = CASE WHEN {address} IS NULL THEN 'suppressed' ELSE m.status END, \
                error_code = CASE WHEN {address} IS NULL THEN '{missing}' ELSE m.error_code END, \
                channel = $4, address = COALESCE({address}, m.address), template_id = $5, purpose = $6, topic = $7, \
                content = $8, due_at = $9 + (w.turn + $10) * $11 * INTERVAL '1 microsecond' \
                    - (SELECT d.delayed FROM campaigns d WHERE d.id = $1), \
                template_version_id = COALESCE( \
                    ($13::BIGINT[])[array_position($12::TEXT[], c.language::TEXT)], \
                    ($13::BIGINT[])[array_position($12::TEXT[], split_part(replace(c.language, '-', '_'), '_', 1))], $14) \
            FROM waiting w JOIN customers c ON c.id = w.customer_id WHERE m.id = w.id RETURNING 1 \
        ) \
        SELECT count(*) FROM given"
    ))
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(prize.variant.channel.as_str())
    .bind::<BigInt, _>(any.template)
    .bind::<Text, _>(any.purpose.as_str())
    .bind::<Nullable<Text>, _>(any.topic.as_deref())
    .bind::<Nullable<Jsonb>, _>(prize.content)
    .bind::<Timestamptz, _>(prize.from)
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(prize.gap.num_microseconds().unwrap_or_default())
    .bind::<Array<Text>, _>(
        prize.texts.iter().filter_map(|text| text.language.as_deref()).collect::<Vec<_>>(),
    )
    .bind::<Array<BigInt>, _>(
        prize.texts.iter().filter(|text| text.language.is_some()).map(|text| text.version).collect::<Vec<_>>(),
    )
    .bind::<BigInt, _>(any.version)
    .get_result(connection)
    .await?;
    Ok(row.count)
}

/// How many wait for the winner.
pub async fn waiting(connection: &mut AsyncPgConnection, campaign: i64) -> Result<i64, DbError> {
    let row: Count = sql_query(format!(
        "SELECT count(*) FROM messages WHERE campaign_id = $1 AND status = 'pending' AND held_for = '{AWAITING_WINNER}'"
    ))
    .bind::<BigInt, _>(campaign)
    .get_result(connection)
    .await?;
    Ok(row.count)
}

#[derive(QueryableByName)]
struct Undecided {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Campaigns under way that try something and have no winner yet, or have given it to not everybody, without a living
/// job whose unique key would be `{prefix}{campaign}`.
pub async fn undecided(connection: &mut AsyncPgConnection, prefix: &str, limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<Undecided> = sql_query(format!(
        "SELECT c.id FROM campaigns c \
         WHERE c.status = 'active' AND c.audience_ready AND c.plan ? 'test' \
           AND EXISTS (SELECT 1 FROM campaign_variants v WHERE v.campaign_id = c.id) \
           AND (c.winner_basis IS NULL \
                OR (c.winner_id IS NOT NULL \
                    AND EXISTS (SELECT 1 FROM messages m WHERE m.campaign_id = c.id AND m.status = 'pending' \
                                AND m.held_for = '{AWAITING_WINNER}'))) \
           AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.unique_key = $1 || c.id \
                           AND j.state IN ('scheduled', 'available', 'running')) \
         ORDER BY c.id LIMIT $2"
    ))
    .bind::<Text, _>(prefix)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
