//! Taking policies off a ladder: all of them when the campaign is stopped, and those whose way is over though no step is
//! due yet: as soon as something is heard of them, and once a day for what nobody heard.

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

/// A page of a ladder, or of what was heard of it, that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Looked {
    /// The last of the page; `None`: there was none.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last: Option<i64>,
    /// Taken off.
    #[diesel(sql_type = BigInt)]
    pub stopped: i64,
}

// Of a page of enrolments, `looked`: those whose way is over are stopped.
fn stopping() -> String {
    format!(
        "over AS MATERIALIZED ( \
            SELECT e.id, {reason} AS reason FROM looked e \
        ), stopped AS ( \
            UPDATE campaign_enrolments e SET state = 'stopped', stopped_for = over.reason, next_step = NULL, \
                next_at = NULL, fallback_at = NULL, updated_at = $3 \
            FROM over WHERE e.id = over.id AND over.reason IS NOT NULL AND e.state = 'active' RETURNING e.id \
        ), {taken_back}",
        reason = stop::reason("$3::TIMESTAMPTZ"),
        taken_back = taken_back("$3"),
    )
}

/// Takes back the messages that are not handed over yet of those whose way is over: the rows of `over`, which have `id`
/// and `reason`. One that is just being judged has its last look then.
pub(super) fn taken_back(now: &str) -> String {
    format!(
        "held AS ( \
            SELECT m.id, o.reason FROM over o JOIN messages m ON m.enrolment_id = o.id AND m.status = 'pending' \
            WHERE o.reason IS NOT NULL ORDER BY m.id FOR UPDATE OF m SKIP LOCKED \
        ), taken_back AS ( \
            UPDATE messages m SET status = 'suppressed', error_code = held.reason, updated_at = {now} \
            FROM held WHERE m.id = held.id RETURNING m.id, held.reason \
        ), noted AS ( \
            INSERT INTO message_checks (message_id, checked_at, verdict, reason) \
            SELECT id, {now}, 'exclude', reason FROM taken_back ORDER BY id \
        )"
    )
}

// Made once, so that it stays prepared.
static STOP_OVER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH looked AS MATERIALIZED ( \
            SELECT * FROM campaign_enrolments WHERE campaign_id = $1 AND state = 'active' AND id > $2 ORDER BY id LIMIT $4 \
        ), {} \
        SELECT (SELECT max(id) FROM looked) AS last, (SELECT count(*) FROM stopped) AS stopped",
        stopping()
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
    stop(connection, &STOP_OVER, (campaign, after), now, limit).await
}

static STOP_TOLD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH told AS ( \
            DELETE FROM enrolment_news n WHERE n.campaign_id = $1 AND n.id = ANY(ARRAY( \
                SELECT id FROM enrolment_news WHERE campaign_id = $1 AND id > $2 ORDER BY id LIMIT $4 \
                FOR UPDATE SKIP LOCKED)) \
            RETURNING n.id, n.enrolment_id \
        ), looked AS MATERIALIZED ( \
            SELECT e.* FROM campaign_enrolments e \
            WHERE e.id IN (SELECT enrolment_id FROM told) AND e.state IN ('active', 'finished') \
        ), {} \
        SELECT (SELECT max(id) FROM told) AS last, (SELECT count(*) FROM stopped) AS stopped",
        stopping()
    )
});

/// Looks at those of whom something was heard, up to `limit` of it: stops those whose way is over, and takes back what
/// they are not sent yet.
pub async fn stop_told(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Looked, DbError> {
    stop(connection, &STOP_TOLD, (campaign, 0), now, limit).await
}

async fn stop(
    connection: &mut AsyncPgConnection,
    statement: &'static str,
    (campaign, after): (i64, i64),
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Looked, DbError> {
    Ok(sql(statement)
        .bind::<BigInt, _>(campaign)
        .bind::<BigInt, _>(after)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit)
        .get_result(connection)
        .await?)
}
