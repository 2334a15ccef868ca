//! Claiming: ids become leased attempts.
//!
//! An id whose job is not available, or whose queue is paused, is simply not answered: a duplicate delivery is harmless.

use crate::{DbError, sql::sql};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid, Varchar};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;
use uuid::Uuid;

/// A leased attempt.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Claimed {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Wire name of its kind.
    #[diesel(sql_type = Varchar)]
    pub kind: String,
    /// Wire name of its queue.
    #[diesel(sql_type = Varchar)]
    pub queue: String,
    /// The kind's own JSON.
    #[diesel(sql_type = Jsonb)]
    pub payload: serde_json::Value,
    /// Which attempt this is, from 1.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// Attempts before it is discarded.
    #[diesel(sql_type = Integer)]
    pub max_attempts: i32,
    /// How often it was put off.
    #[diesel(sql_type = Integer)]
    pub snoozes: i32,
    /// Proves the attempt is ours.
    #[diesel(sql_type = SqlUuid)]
    pub lease_token: Uuid,
    /// Whose child it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub parent_id: Option<Uuid>,
    /// Who asked for it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub created_by: Option<i64>,
}

/// Leases to `worker` whichever of the jobs are available.
pub async fn claim(
    connection: &mut AsyncPgConnection,
    ids: &[Uuid],
    worker: &str,
    lease: Duration,
) -> Result<Vec<Claimed>, DbError> {
    // locked in the order of ids, so that two claims of the same ids cannot deadlock
    const CLAIM: &str = "\
        WITH picked AS MATERIALIZED ( \
            SELECT j.id FROM jobs j \
            WHERE j.id = ANY($1) AND j.state = 'available' AND NOT j.cancel_requested \
                AND NOT EXISTS (SELECT 1 FROM queues q WHERE q.name = j.queue AND q.paused_at IS NOT NULL) \
            ORDER BY j.id FOR NO KEY UPDATE OF j) \
        UPDATE jobs j SET state = 'running', attempt = j.attempt + 1, lease_token = gen_random_uuid(), \
            leased_until = now() + $2 * interval '1 millisecond', worker = $3, started_at = now(), \
            woken_at = NULL \
        FROM picked WHERE j.id = picked.id \
        RETURNING j.id, j.kind, j.queue, j.payload, j.attempt, j.max_attempts, j.snoozes, j.lease_token, j.parent_id, \
            j.created_by";
    Ok(sql(CLAIM)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<BigInt, _>(milliseconds(lease))
        .bind::<Text, _>(worker)
        .get_results(connection)
        .await?)
}

/// A duration as the ledger's statements take it.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
