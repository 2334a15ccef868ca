//! The figures of a ladder's steps, from the counters of its campaign: no message and no enrolment is looked at, however
//! many there are.

use crate::{DbError, names::Known, sql::sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::Channel;

/// How the messages of a step fared on a channel, and how many policies have the step before them.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Tally {
    /// The step's place, from 0.
    #[diesel(sql_type = SmallInt)]
    pub step: i16,
    /// On which channel.
    #[diesel(sql_type = Text, deserialize_as = Known<Channel>)]
    pub channel: Channel,
    /// It is the step's fallback.
    #[diesel(sql_type = Bool)]
    pub is_fallback: bool,
    /// Policies whose next step it is.
    #[diesel(sql_type = BigInt)]
    pub ahead: i64,
    /// Messages that were written.
    #[diesel(sql_type = BigInt)]
    pub written: i64,
    /// Accepted by the provider.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// Reached a device.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Opened or read.
    #[diesel(sql_type = BigInt)]
    pub read: i64,
    /// A link was followed.
    #[diesel(sql_type = BigInt)]
    pub clicked: i64,
    /// Answered.
    #[diesel(sql_type = BigInt)]
    pub replied: i64,
    /// Refused or given up.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Left out at the last look.
    #[diesel(sql_type = BigInt)]
    pub suppressed: i64,
}

// What is folded and what is not yet, in one snapshot. Keys are `step:channel` of messages, and of policies the step that
// is next.
const TALLIES: &str = "\
    WITH counted AS ( \
        SELECT dimension, key, sum(total)::BIGINT AS total, sum(sent)::BIGINT AS sent, sum(delivered)::BIGINT AS delivered, \
            sum(opened)::BIGINT AS opened, sum(clicked)::BIGINT AS clicked, sum(replied)::BIGINT AS replied, \
            sum(failed)::BIGINT AS failed, sum(suppressed)::BIGINT AS suppressed \
        FROM (SELECT dimension, key, total, sent, delivered, opened, clicked, replied, failed, suppressed \
              FROM campaign_figures WHERE campaign_id = $1 AND dimension IN ('step', 'ladder') \
              UNION ALL \
              SELECT dimension, key, total, sent, delivered, opened, clicked, replied, failed, suppressed \
              FROM campaign_figure_deltas WHERE campaign_id = $1 AND dimension IN ('step', 'ladder')) AS parts \
        GROUP BY dimension, key \
    ), channels AS ( \
        SELECT step, channel, FALSE AS is_fallback FROM campaign_steps WHERE campaign_id = $1 \
        UNION ALL \
        SELECT step, fallback_channel, TRUE FROM campaign_steps WHERE campaign_id = $1 AND fallback_channel IS NOT NULL \
    ) \
    SELECT c.step, c.channel, c.is_fallback, \
        CASE WHEN c.is_fallback THEN 0 ELSE COALESCE(a.total, 0) END AS ahead, \
        COALESCE(h.total, 0) AS written, COALESCE(h.sent, 0) AS sent, COALESCE(h.delivered, 0) AS delivered, \
        COALESCE(h.opened, 0) AS read, COALESCE(h.clicked, 0) AS clicked, COALESCE(h.replied, 0) AS replied, \
        COALESCE(h.failed, 0) AS failed, COALESCE(h.suppressed, 0) AS suppressed \
    FROM channels c \
    LEFT JOIN counted a ON a.dimension = 'ladder' AND a.key = c.step::TEXT \
    LEFT JOIN counted h ON h.dimension = 'step' AND h.key = concat_ws(':', c.step, c.channel) \
    ORDER BY c.step, c.is_fallback";

/// The figures of every step, on its own channel and on its fallback's.
pub async fn tallies(connection: &mut AsyncPgConnection, campaign: i64) -> Result<Vec<Tally>, DbError> {
    Ok(sql(TALLIES).bind::<BigInt, _>(campaign).load(connection).await?)
}

// $1 campaigns
const ENROLLED: &str = "\
    SELECT COALESCE(sum(total), 0)::BIGINT AS count \
    FROM (SELECT key, total FROM campaign_figures WHERE campaign_id = ANY($1) AND dimension = 'ladder' \
          UNION ALL \
          SELECT key, total FROM campaign_figure_deltas WHERE campaign_id = ANY($1) AND dimension = 'ladder') AS parts \
    WHERE key <> 'withdrawn'";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many policies are, or were, on the ladders of these campaigns; without those that were taken off.
pub(crate) async fn enrolled(connection: &mut AsyncPgConnection, campaigns: &[i64]) -> Result<i64, DbError> {
    let row: Count = sql(ENROLLED).bind::<Array<BigInt>, _>(campaigns).get_result(connection).await?;
    Ok(row.count)
}
