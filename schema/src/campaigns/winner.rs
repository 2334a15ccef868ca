//! Giving those who wait for it the variant that won.

use super::audience::{AWAITING_WINNER, PinnedText};
use super::timing::Due;
use super::variants::Variant;
use crate::{DbError, places};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Time, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{ExclusionReason, plan::Timing};
use domain::messaging::{Channel, restraint::Rules};
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
    /// Whose clocks the campaign follows; a variant tried at an hour of the day is given at that hour.
    pub timing: Timing,
    /// Where people live of whom nothing is known.
    pub rules: &'a Rules,
    /// Nobody shares an address with another recipient: of several with the same, the first gets it.
    pub once_an_address: bool,
}

impl Prize<'_> {
    /// The common table `timed`: when each of those who wait is due.
    fn timed(&self) -> String {
        let (now, time) = ("$9::TIMESTAMPTZ", "$15");
        // no day is too early: it is the recipient's own, or the next
        let due = Due { timing: self.timing, now, day: "'-infinity'", time };
        let due = match self.variant.send_hour {
            Some(_) => due.in_hour("$17::INTEGER"),
            None if self.timing.is_local() => due.sql(),
            None => return format!("timed AS (SELECT w.id, {now} AS due FROM waiting w)"),
        };
        let (zones, zone, joins) = (places::ZONES, places::zone("$16::JSONB"), places::JOINS);
        format!(
            "{zones}, timed AS ( \
                SELECT f.id, {due} AS due FROM ( \
                    SELECT w.id, w.customer_id, {zone} AS zone FROM waiting w JOIN customers c ON c.id = w.customer_id \
                    LEFT JOIN policies p ON p.id = w.policy_id {joins}) AS f)"
        )
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Some who waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Awarded {
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    /// The last of their messages; `None`: nobody waits any more.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last: Option<i64>,
}

/// Gives it to up to `limit` of those who wait, whoever cannot be reached by it is left out. `before` have got theirs
/// already, up to the message `after`.
pub async fn award(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    prize: &Prize<'_>,
    (before, after): (i64, i64),
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Awarded, DbError> {
    let (address, missing) = match prize.variant.channel {
        Channel::Email => ("c.email", ExclusionReason::NoEmail),
        Channel::Whatsapp | Channel::Sms => ("c.phone", ExclusionReason::NoPhone),
    };
    let Some(any) = prize.texts.iter().find(|text| text.language.is_none()) else {
        return Ok(Awarded { messages: 0, last: None });
    };
    let time = match prize.timing {
        Timing::AtOnce => None,
        Timing::RecipientTime { at } => Some(at),
        Timing::BestHour { otherwise } => Some(otherwise),
    };
    let gap = "$11 * INTERVAL '1 microsecond'";
    let shared = match prize.once_an_address {
        true => format!(
            "EXISTS (SELECT FROM customers k JOIN messages o ON o.campaign_id = $1 AND o.customer_id = k.id \
                     WHERE {} = {address} AND k.id <> c.id \
                       AND CASE WHEN o.held_for = '{AWAITING_WINNER}' THEN o.id < m.id ELSE o.channel = $4 END)",
            address.replace("c.", "k.")
        ),
        false => "FALSE".to_owned(),
    };
    let duplicate = ExclusionReason::DuplicateAddress;
    let row = sql_query(format!(
        "WITH waiting AS ( \
            SELECT id, customer_id, policy_id FROM messages \
            WHERE campaign_id = $1 AND status = 'pending' AND held_for = '{AWAITING_WINNER}' AND id > $18 \
            ORDER BY id LIMIT $2 FOR UPDATE \
        ), {timed}, turned AS ( \
            SELECT id, due, row_number() OVER (ORDER BY due, id) - 1 AS turn FROM timed \
        ), paced AS ( \
            SELECT id, GREATEST($9 + (turn + $10) * {gap}, \
                max(due - turn * {gap}) OVER (ORDER BY due, id ROWS UNBOUNDED PRECEDING) + turn * {gap}) AS due_at \
            FROM turned \
        ), given AS ( \
            UPDATE messages m SET updated_at = $3, held_for = NULL, \
                status = CASE WHEN {address} IS NULL OR {shared} THEN 'suppressed' ELSE m.status END, \
                error_code = CASE WHEN {address} IS NULL THEN '{missing}' WHEN {shared} THEN '{duplicate}' \
                                  ELSE m.error_code END, \
                channel = $4, address = COALESCE({address}, m.address), template_id = $5, purpose = $6, topic = $7, \
                content = $8, due_at = d.due_at, \
                template_version_id = COALESCE( \
                    ($13::BIGINT[])[array_position($12::TEXT[], c.language::TEXT)], \
                    ($13::BIGINT[])[array_position($12::TEXT[], split_part(replace(c.language, '-', '_'), '_', 1))], $14) \
            FROM waiting w JOIN customers c ON c.id = w.customer_id JOIN paced d ON d.id = w.id \
            WHERE m.id = w.id RETURNING m.id \
        ) \
        SELECT count(*) AS messages, max(id) AS last FROM given",
        timed = prize.timed()
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
    .bind::<Nullable<Time>, _>(time)
    .bind::<Jsonb, _>(places::bind(prize.rules))
    .bind::<Nullable<Integer>, _>(prize.variant.send_hour.map(i32::from))
    .bind::<BigInt, _>(after)
    .get_result(connection)
    .await?;
    Ok(row)
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
