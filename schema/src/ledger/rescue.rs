//! Rescue: jobs whose lease ran out, because their worker died or was cut off, become available again.
//!
//! The attempt counts, so that a job that takes its worker down with it ends discarded and not in a loop.

use super::family::{self, Ended};
use super::minutes::{self, ByQueue};
use super::{JobState, Ready};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Uuid as SqlUuid, Varchar};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// What became of the jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rescued {
    /// To be run again, and continuations released by what ended.
    pub ready: Vec<Ready>,
    /// Out of attempts, or cancelled while they ran.
    pub ended: Vec<(Uuid, JobState)>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: JobState,
}

/// Rescues up to `limit` jobs, the longest dead first. Several may do so at once.
pub async fn rescue(connection: &mut AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> Result<Rescued, DbError> {
    const RESCUE: &str = "\
        WITH expired AS MATERIALIZED ( \
            SELECT id FROM jobs WHERE state = 'running' AND leased_until < now() \
            ORDER BY leased_until LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED) \
        UPDATE jobs j SET \
            state = CASE WHEN j.cancel_requested THEN 'cancelled' WHEN j.attempt >= j.max_attempts THEN 'discarded' \
                         ELSE 'available' END, \
            finished_at = CASE WHEN j.cancel_requested OR j.attempt >= j.max_attempts THEN now() END, \
            error = format('attempt %s was cut short: its worker %s stopped renewing the lease', j.attempt, j.worker), \
            lease_token = NULL, leased_until = NULL, dispatched_at = NULL \
        FROM expired WHERE j.id = expired.id \
        RETURNING j.id, j.queue, j.priority, j.parent_id, j.state";
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let rows: Vec<Row> = sql(RESCUE).bind::<BigInt, _>(limit).get_results(connection).await?;
            let (ended, again): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.state.is_terminal());
            let mut rescued = Rescued { ready: again.into_iter().map(Row::ready).collect(), ended: Vec::new() };
            if ended.is_empty() {
                return Ok(rescued);
            }
            let ended: Vec<Ended> = ended.into_iter().map(Row::ended).collect();
            let settled = family::settle(connection, now, &ended).await?;
            let mut counts = ByQueue::new();
            minutes::count_ended(&mut counts, ended.iter().chain(&settled.cancelled));
            minutes::add(connection, &counts).await?;
            rescued.ready.extend(settled.released);
            rescued.ended = ended.iter().chain(&settled.cancelled).map(|job| (job.id, job.state)).collect();
            Ok(rescued)
        })
        .await
}

impl Row {
    fn ready(self) -> Ready {
        Ready { id: self.id, queue: self.queue, priority: self.priority }
    }

    fn ended(self) -> Ended {
        Ended { id: self.id, queue: self.queue, parent_id: self.parent_id, state: self.state }
    }
}
