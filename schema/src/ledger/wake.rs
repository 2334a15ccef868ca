//! Jobs that sleep for something that has come about earlier than they thought.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Jobs woken in one go; the others wake by themselves.
const LIMIT: i64 = 10_000;

/// Has sleeping jobs of these kinds run at once; how many.
pub async fn wake(connection: &mut AsyncPgConnection, kinds: &[&str], now: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(sql_query(
        "WITH asleep AS ( \
            SELECT id FROM jobs WHERE state = 'scheduled' AND kind = ANY($1) AND run_at > $2 \
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) \
         UPDATE jobs j SET run_at = $2 FROM asleep WHERE j.id = asleep.id",
    )
    .bind::<Array<Text>, _>(kinds)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(LIMIT)
    .execute(connection)
    .await?)
}
