//! Taking policies off a ladder: all of them when the campaign is stopped, and those whose way is over though no step is
//! due yet.

use super::stop;
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::sync::LazyLock;

/// Takes up to `limit` off the ladder of a campaign that is over, so that another may take their terms. Answers how
/// many; 0: none is left that nobody has locked.
pub async fn withdraw(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    reason: &str,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH left_over AS ( \
            SELECT e.id FROM campaign_enrolments e \
            WHERE e.campaign_id = $1 AND e.state = 'active' \
              AND (SELECT c.status IN ('cancelled', 'failed') FROM campaigns c WHERE c.id = $1) \
            ORDER BY e.id LIMIT $4 FOR UPDATE OF e SKIP LOCKED \
        ) \
        UPDATE campaign_enrolments e SET state = 'withdrawn', stopped_for = $2, next_step = NULL, next_at = NULL, \
            fallback_at = NULL, updated_at = $3 \
        FROM left_over WHERE e.id = left_over.id",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Text, _>(reason)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(connection)
    .await?)
}

/// A page of a ladder that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Looked {
    /// The last enrolment of the page; `None`: there was none.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last: Option<i64>,
    /// Taken off.
    #[diesel(sql_type = BigInt)]
    pub stopped: i64,
}

// Made once, so that it stays prepared.
static STOP_OVER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH page AS MATERIALIZED ( \
            SELECT * FROM campaign_enrolments WHERE campaign_id = $1 AND state = 'active' AND id > $2 ORDER BY id LIMIT $4 \
        ), over AS MATERIALIZED ( \
            SELECT e.id, {reason} AS reason FROM page e \
        ), stopped AS ( \
            UPDATE campaign_enrolments e SET state = 'stopped', stopped_for = over.reason, next_step = NULL, \
                next_at = NULL, fallback_at = NULL, updated_at = $3 \
            FROM over WHERE e.id = over.id AND over.reason IS NOT NULL AND e.state = 'active' RETURNING e.id \
        ) \
        SELECT (SELECT max(id) FROM page) AS last, (SELECT count(*) FROM stopped) AS stopped",
        reason = stop::reason("$3::TIMESTAMPTZ")
    )
});

/// Stops those of the next `limit` enrolments with ids above `after` whose way is over, whether or not a step is due.
pub async fn stop_over(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    after: i64,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Looked, DbError> {
    Ok(sql(STOP_OVER.as_str())
        .bind::<BigInt, _>(campaign)
        .bind::<BigInt, _>(after)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit)
        .get_result(connection)
        .await?)
}
