//! Pausing a queue: claims and the relay leave its jobs alone from the moment this is committed, on all workers at once.

use crate::{DbError, sql::sql};
use diesel::sql_types::{Nullable, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// Pauses a queue; `false` if it was paused already. What runs, runs on.
pub async fn pause(connection: &mut AsyncPgConnection, queue: &str, by: Option<&str>) -> Result<bool, DbError> {
    const PAUSE: &str = "\
        INSERT INTO queues AS q (name, paused_at, paused_by) VALUES ($1, now(), $2) \
        ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at, paused_by = excluded.paused_by \
        WHERE q.paused_at IS NULL";
    let changed = sql(PAUSE).bind::<Text, _>(queue).bind::<Nullable<Text>, _>(by).execute(connection).await?;
    Ok(changed > 0)
}

/// Resumes a queue and has the jobs whose ids were dropped meanwhile pushed again; `false` if it was not paused.
pub async fn resume(connection: &mut AsyncPgConnection, queue: &str) -> Result<bool, DbError> {
    const RESUME: &str = "UPDATE queues SET paused_at = NULL, paused_by = NULL \
        WHERE name = $1 AND paused_at IS NOT NULL";
    const PUSH_AGAIN: &str = "UPDATE jobs SET dispatched_at = NULL \
        WHERE state = 'available' AND dispatched_at IS NOT NULL AND queue = $1";
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let changed = sql(RESUME).bind::<Text, _>(queue).execute(connection).await?;
            if changed > 0 {
                sql(PUSH_AGAIN).bind::<Text, _>(queue).execute(connection).await?;
            }
            Ok(changed > 0)
        })
        .await
}

/// The paused queues.
pub async fn paused(connection: &mut AsyncPgConnection) -> Result<Vec<Paused>, DbError> {
    Ok(sql("SELECT name, paused_at, paused_by FROM queues WHERE paused_at IS NOT NULL ORDER BY name")
        .get_results(connection)
        .await?)
}

/// A paused queue.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct Paused {
    /// Its wire name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Since when.
    #[diesel(sql_type = diesel::sql_types::Timestamptz)]
    pub paused_at: chrono::DateTime<chrono::Utc>,
    /// By whom.
    #[diesel(sql_type = Nullable<Text>)]
    pub paused_by: Option<String>,
}
