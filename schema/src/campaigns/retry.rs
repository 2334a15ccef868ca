//! Failed messages that are tried again, a piece at a time: those that the provider is known not to have taken.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Which messages are tried again.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// Of which campaign.
    pub campaign: i64,
    /// Those with these codes; all, when there are none.
    pub codes: &'a [String],
    /// Those that had failed by then.
    pub by: DateTime<Utc>,
    /// Those behind this one.
    pub after: i64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Again {
    /// Messages that are pending again.
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    /// The last of them; `None`: there are no more.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last: Option<i64>,
    /// Where the campaign stood, when there were any.
    #[diesel(sql_type = Nullable<Text>)]
    pub was: Option<String>,
    /// Where it stands.
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<String>,
}

// What nobody could tell the fate of, and was closed as failed, may have been taken. Of a ladder only the step that a policy stands at is tried again, and not when its fallback got through: what is older
// was passed over, as any step is whose time has gone.
const FAILED: &str = "\
    m.campaign_id = $1 AND m.status = 'failed' AND m.bounce IS NULL AND m.provider_message_id IS NULL \
    AND m.error_code IS DISTINCT FROM 'never_confirmed' \
    AND (cardinality($2::TEXT[]) = 0 OR m.error_code = ANY($2)) AND COALESCE(m.failed_at, m.updated_at) <= $3 \
    AND m.id > $4 \
    AND (m.enrolment_id IS NULL OR EXISTS ( \
        SELECT FROM campaign_enrolments e \
        WHERE e.id = m.enrolment_id AND e.state IN ('active', 'finished') AND e.last_step = m.step \
          AND NOT EXISTS (SELECT FROM messages o WHERE o.enrolment_id = m.enrolment_id AND o.step = m.step \
                          AND o.id <> m.id AND o.status <> 'failed')))";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many there are.
pub async fn count_failed(connection: &mut AsyncPgConnection, which: &Failed<'_>) -> Result<i64, DbError> {
    let row: Count = sql_query(format!("SELECT count(*) FROM messages m WHERE {FAILED}"))
        .bind::<BigInt, _>(which.campaign)
        .bind::<Array<Text>, _>(which.codes)
        .bind::<Timestamptz, _>(which.by)
        .bind::<BigInt, _>(which.after)
        .get_result(connection)
        .await?;
    Ok(row.count)
}

/// Gives up to `limit` of them another try, unless the campaign is over in another way; a completed one is active again.
/// Call it in a transaction.
pub async fn retry_failed(
    connection: &mut AsyncPgConnection,
    which: &Failed<'_>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Again, DbError> {
    let statement = format!(
        "WITH picked AS (SELECT m.id FROM messages m WHERE {FAILED} ORDER BY m.id LIMIT $5), \
         was AS ( \
            SELECT id, status FROM campaigns \
            WHERE id = $1 AND status IN ('active', 'paused', 'completed') AND audience_ready \
              AND EXISTS (SELECT FROM picked) FOR NO KEY UPDATE \
         ), open AS ( \
            UPDATE campaigns c SET status = CASE WHEN c.status = 'completed' THEN 'active' ELSE c.status END, \
                completed_at = CASE WHEN c.status = 'completed' THEN NULL ELSE c.completed_at END, updated_at = $6, \
                judged_from = CASE WHEN c.judged_from IS NOT NULL THEN c.judged_from || jsonb_build_object('failed', \
                    GREATEST((c.judged_from ->> 'failed')::BIGINT - (SELECT count(*) FROM picked), 0)) END \
            FROM was WHERE c.id = was.id RETURNING c.id, was.status AS was, c.status \
         ), again AS ( \
            UPDATE messages m SET status = 'pending', due_at = $6, failed_at = NULL, held_for = NULL, updated_at = $6 \
            FROM open, picked WHERE m.id = picked.id AND m.status = 'failed' RETURNING m.id \
         ) \
         SELECT (SELECT count(*) FROM again) AS messages, (SELECT max(id) FROM again) AS last, \
            (SELECT was::TEXT FROM open) AS was, (SELECT status::TEXT FROM open) AS status"
    );
    Ok(sql_query(statement)
        .bind::<BigInt, _>(which.campaign)
        .bind::<Array<Text>, _>(which.codes)
        .bind::<Timestamptz, _>(which.by)
        .bind::<BigInt, _>(which.after)
        .bind::<BigInt, _>(limit)
        .bind::<Timestamptz, _>(now)
        .get_result(connection)
        .await?)
}
