//! Cancelling: at once for a job that waits, by request for one that runs.

use super::family::{self, Ended};
use super::minutes::{self, ByQueue};
use super::{JobState, Ready};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid, Varchar};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is cancelled.
    Now {
        /// Continuations that may run now, since their parent's last child ended.
        released: Vec<Ready>,
        /// Everything that was cancelled, this job first.
        ended: Vec<Uuid>,
    },
    /// It runs; its worker has been asked to stop it.
    Requested,
    /// It had ended before, in this state.
    TooLate(JobState),
    /// There is no such job.
    Unknown,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: JobState,
}

/// Cancels a job, or asks its worker to.
pub async fn cancel(connection: &mut AsyncPgConnection, now: DateTime<Utc>, id: Uuid) -> Result<Cancelled, DbError> {
    const CANCEL: &str = "\
        UPDATE jobs SET cancel_requested = TRUE, dispatched_at = NULL, \
            finished_at = CASE WHEN state <> 'running' THEN now() END, \
            state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END \
        WHERE id = $1 AND state IN ('scheduled', 'available', 'running') \
        RETURNING queue, parent_id, state";
    const LOOK: &str = "SELECT queue, parent_id, state FROM jobs WHERE id = $1";
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let rows: Vec<Row> = sql(CANCEL).bind::<SqlUuid, _>(id).get_results(connection).await?;
            let Some(row) = rows.into_iter().next() else {
                let rows: Vec<Row> = sql(LOOK).bind::<SqlUuid, _>(id).get_results(connection).await?;
                return Ok(rows.into_iter().next().map_or(Cancelled::Unknown, |row| Cancelled::TooLate(row.state)));
            };
            if row.state == JobState::Running {
                return Ok(Cancelled::Requested);
            }
            let ended = [Ended { id, queue: row.queue, parent_id: row.parent_id, state: row.state }];
            let settled = family::settle(connection, now, &ended).await?;
            let mut counts = ByQueue::new();
            minutes::count_ended(&mut counts, ended.iter().chain(&settled.cancelled));
            minutes::add(connection, &counts).await?;
            let ended = ended.iter().chain(&settled.cancelled).map(|job| job.id).collect();
            Ok(Cancelled::Now { released: settled.released, ended })
        })
        .await
}
