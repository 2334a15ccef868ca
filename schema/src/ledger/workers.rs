//! The worker processes and when they were last heard of.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Text, Timestamptz, Varchar};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;

use super::claim::milliseconds;

/// One worker process.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Worker {
    /// Unique to the process.
    #[diesel(sql_type = Varchar)]
    pub id: String,
    /// Where it runs.
    #[diesel(sql_type = Varchar)]
    pub host: String,
    /// Its process id there.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Slots by queue: `{"whatsapp": 64}`.
    #[diesel(sql_type = Jsonb)]
    pub queues: serde_json::Value,
    /// How many jobs it is running.
    #[diesel(sql_type = Integer)]
    pub running: i32,
    /// Since when it runs.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    #[diesel(sql_type = Timestamptz)]
    pub heartbeat_at: DateTime<Utc>,
}

/// Says that a worker is there. Times are the database's; `started_at` is set by its first beat.
pub async fn beat(
    connection: &mut AsyncPgConnection,
    id: &str,
    host: &str,
    pid: i32,
    queues: &serde_json::Value,
    running: i32,
) -> Result<(), DbError> {
    const BEAT: &str = "\
        INSERT INTO workers (id, host, pid, queues, running, started_at, heartbeat_at) \
        VALUES ($1, $2, $3, $4, $5, now(), now()) \
        ON CONFLICT (id) DO UPDATE SET running = excluded.running, heartbeat_at = excluded.heartbeat_at";
    sql(BEAT)
        .bind::<Text, _>(id)
        .bind::<Text, _>(host)
        .bind::<Integer, _>(pid)
        .bind::<Jsonb, _>(queues)
        .bind::<Integer, _>(running)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says that a worker has stopped.
pub async fn leave(connection: &mut AsyncPgConnection, id: &str) -> Result<(), DbError> {
    sql("DELETE FROM workers WHERE id = $1").bind::<Text, _>(id).execute(connection).await?;
    Ok(())
}

/// The workers heard of within `within`, the newest first.
pub async fn alive(connection: &mut AsyncPgConnection, within: Duration) -> Result<Vec<Worker>, DbError> {
    const ALIVE: &str = "SELECT id, host, pid, queues, running, started_at, heartbeat_at FROM workers \
        WHERE heartbeat_at > now() - $1 * interval '1 millisecond' ORDER BY started_at DESC, id LIMIT 1000";
    Ok(sql(ALIVE).bind::<BigInt, _>(milliseconds(within)).get_results(connection).await?)
}
