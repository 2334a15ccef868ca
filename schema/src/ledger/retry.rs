//! Retrying by hand: a discarded or cancelled job starts anew, with all its attempts.

use super::{JobState, Ready, family, waiting};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid, Varchar};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It may run now.
    Ready(Ready),
    /// It is a continuation again, and runs when its parent is done.
    Waiting,
    /// It was in this state, which is not one to retry from.
    NotEnded(JobState),
    /// Another job with its unique key is alive.
    Replaced,
    /// There is no such job.
    Unknown,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: JobState,
}

/// Makes a discarded or cancelled job available again; its parent, if something still waits for that, gets it back as a
/// child. A continuation waits again while its parent, or a child of that, is alive.
pub async fn retry(connection: &mut AsyncPgConnection, now: DateTime<Utc>, id: Uuid) -> Result<Retried, DbError> {
    const RETRY: &str = "\
        WITH parent AS MATERIALIZED ( \
            SELECT p.id, p.state NOT IN ('succeeded', 'discarded', 'cancelled') \
                   OR (p.state = 'succeeded' AND p.children_left > 0) AS alive \
            FROM jobs p JOIN jobs c ON c.waits_for = p.id WHERE c.id = $1 FOR NO KEY UPDATE OF p) \
        UPDATE jobs SET attempt = 0, snoozes = 0, cancel_requested = FALSE, finished_at = NULL, dispatched_at = NULL, \
            state = CASE WHEN EXISTS (SELECT 1 FROM parent WHERE alive) THEN 'scheduled' ELSE 'available' END, \
            run_at = CASE WHEN EXISTS (SELECT 1 FROM parent WHERE alive) THEN $2::timestamptz ELSE $3 END \
        WHERE id = $1 AND state IN ('discarded', 'cancelled') \
        RETURNING queue, priority, parent_id, state";
    const LOOK: &str = "SELECT queue, priority, parent_id, state FROM jobs WHERE id = $1";
    let retried = connection
        .transaction::<_, DbError, _>(async |connection| {
            let rows: Vec<Row> = sql(RETRY)
                .bind::<SqlUuid, _>(id)
                .bind::<Timestamptz, _>(waiting())
                .bind::<Timestamptz, _>(now)
                .get_results(connection)
                .await?;
            let Some(row) = rows.into_iter().next() else {
                let rows: Vec<Row> = sql(LOOK).bind::<SqlUuid, _>(id).get_results(connection).await?;
                return Ok(rows.into_iter().next().map_or(Retried::Unknown, |row| Retried::NotEnded(row.state)));
            };
            if let Some(parent) = row.parent_id {
                family::add_children(connection, &BTreeMap::from([(parent, 1)])).await?;
            }
            match row.state {
                JobState::Available => Ok(Retried::Ready(Ready { id, queue: row.queue, priority: row.priority })),
                _ => Ok(Retried::Waiting),
            }
        })
        .await;
    match retried {
        Err(error) if error.unique_violation() == Some("jobs_unique_key") => Ok(Retried::Replaced),
        other => other,
    }
}
