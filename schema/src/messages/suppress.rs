//! Taking back what has not been handed over.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Suppresses up to `limit` pending messages of a campaign that is over, with the reason. Answers how many; 0: none
/// is left that nobody has locked.
pub async fn suppress_pending(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    reason: &str,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH left_over AS ( \
            SELECT m.id FROM messages m \
            WHERE m.campaign_id = $1 AND m.status = 'pending' \
              AND (SELECT c.status IN ('cancelled', 'failed') FROM campaigns c WHERE c.id = $1) \
            ORDER BY m.channel, m.due_at, m.id LIMIT $4 FOR UPDATE OF m SKIP LOCKED \
        ) \
        UPDATE messages m SET status = 'suppressed', error_code = $2, updated_at = $3 \
        FROM left_over WHERE m.id = left_over.id",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Text, _>(reason)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(connection)
    .await?)
}
