//! The epoch Redis was last seen in: when Redis has lost its data, everything it was told must be told again.

use crate::{DbError, sql::sql};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// The row of `relay_state` that holds it.
const KEY: &str = "redis_epoch";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The epoch on record.
pub async fn known(connection: &mut AsyncPgConnection) -> Result<Option<String>, DbError> {
    let rows: Vec<Row> =
        sql("SELECT value FROM relay_state WHERE key = $1").bind::<Text, _>(KEY).get_results(connection).await?;
    Ok(rows.into_iter().next().map(|row| row.value))
}

/// The epoch on record, locked until the transaction ends, so that one relay at a time changes it; empty at first.
pub async fn lock(connection: &mut AsyncPgConnection) -> Result<String, DbError> {
    sql("INSERT INTO relay_state (key, value) VALUES ($1, '') ON CONFLICT (key) DO NOTHING")
        .bind::<Text, _>(KEY)
        .execute(connection)
        .await?;
    let row: Row = sql("SELECT value FROM relay_state WHERE key = $1 FOR UPDATE")
        .bind::<Text, _>(KEY)
        .get_result(connection)
        .await?;
    Ok(row.value)
}

/// Puts an epoch on record.
pub async fn record(connection: &mut AsyncPgConnection, epoch: &str) -> Result<(), DbError> {
    sql("UPDATE relay_state SET value = $1, updated_at = now() WHERE key = $2")
        .bind::<Text, _>(epoch)
        .bind::<Text, _>(KEY)
        .execute(connection)
        .await?;
    Ok(())
}

/// Has every job that waits for a worker pushed again; answers how many. Bounded by what Redis held.
pub async fn forget_dispatches(connection: &mut AsyncPgConnection) -> Result<usize, DbError> {
    const FORGET: &str = "UPDATE jobs SET dispatched_at = NULL \
        WHERE state = 'available' AND dispatched_at IS NOT NULL";
    Ok(sql(FORGET).execute(connection).await?)
}
