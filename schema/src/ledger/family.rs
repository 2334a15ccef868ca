//! Parents, children and continuations: what else changes when jobs end.
//!
//! A continuation waits for a parent: it is released once the parent has succeeded and none of its children is left,
//! whatever the children's ends were; it is cancelled, with everything that waits for it, when the parent is discarded
//! or cancelled. Every function must run inside the transaction that ended the jobs. The parent's row lock orders
//! whoever ends it, ends its children or adds a continuation, and each step is a statement of its own so that it sees
//! what the lock's former holder has committed.

use super::{JobState, Ready, waiting};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid, Varchar};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A job that has just reached a terminal state.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Ended {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Wire name of its queue.
    #[diesel(sql_type = Varchar)]
    pub queue: String,
    /// Whose child it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub parent_id: Option<Uuid>,
    /// How it ended.
    #[diesel(sql_type = Text)]
    pub state: JobState,
}

/// What ending some jobs did to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Continuations that may run now.
    pub released: Vec<Ready>,
    /// Continuations that will never run.
    pub cancelled: Vec<Ended>,
}

/// Counts new children of their parents.
pub async fn add_children(connection: &mut AsyncPgConnection, children: &BTreeMap<Uuid, i32>) -> Result<(), DbError> {
    change_children(connection, children, 1).await.map(drop)
}

/// Settles the families of jobs that have just ended.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    ended: &[Ended],
) -> Result<Settled, DbError> {
    let failed: Vec<Uuid> = ended.iter().filter(|job| job.state != JobState::Succeeded).map(|job| job.id).collect();
    let cancelled = cancel_waiting(connection, &failed).await?;
    let mut done: BTreeMap<Uuid, i32> = BTreeMap::new();
    for parent in ended.iter().chain(&cancelled).filter_map(|job| job.parent_id) {
        *done.entry(parent).or_default() += 1;
    }
    let mut awaited: Vec<Uuid> =
        ended.iter().filter(|job| job.state == JobState::Succeeded).map(|job| job.id).collect();
    if !done.is_empty() {
        awaited.extend(change_children(connection, &done, -1).await?);
    }
    let released = release(connection, now, &awaited).await?;
    Ok(Settled { released, cancelled })
}

/// Settles continuations that were added after their parents had ended, or whose parents are no longer kept.
pub async fn settle_late(connection: &mut AsyncPgConnection, parents: &[Uuid]) -> Result<(), DbError> {
    const LOCK: &str = "SELECT id, queue, parent_id, state FROM jobs WHERE id = ANY($1) \
        ORDER BY id FOR NO KEY UPDATE";
    let found: Vec<Ended> = sql(LOCK).bind::<Array<SqlUuid>, _>(parents).get_results(connection).await?;
    let with = |state| found.iter().filter(move |job| job.state == state).map(|job| job.id);
    let failed: Vec<Uuid> = with(JobState::Discarded).chain(with(JobState::Cancelled)).collect();
    cancel_waiting(connection, &failed).await?;
    let gone = parents.iter().copied().filter(|id| found.iter().all(|job| job.id != *id));
    let awaited: Vec<Uuid> = with(JobState::Succeeded).chain(gone).collect();
    release(connection, None, &awaited).await.map(drop)
}

/// Adds to or takes from the children of some parents; names the parents that have none left.
async fn change_children(
    connection: &mut AsyncPgConnection,
    children: &BTreeMap<Uuid, i32>,
    sign: i32,
) -> Result<Vec<Uuid>, DbError> {
    const CHANGE: &str = "\
        WITH change AS (SELECT * FROM unnest($1, $2) AS t (id, n)), \
        locked AS MATERIALIZED (SELECT j.id FROM jobs j WHERE j.id = ANY($1) ORDER BY j.id FOR NO KEY UPDATE) \
        UPDATE jobs j SET children_left = GREATEST(j.children_left + change.n, 0) \
        FROM locked JOIN change ON change.id = locked.id WHERE j.id = locked.id \
        RETURNING CASE WHEN j.children_left = 0 THEN j.id END AS id";
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        id: Option<Uuid>,
    }
    let (ids, counts): (Vec<Uuid>, Vec<i32>) = children.iter().map(|(id, n)| (*id, n * sign)).unzip();
    let rows: Vec<Row> =
        sql(CHANGE).bind::<Array<SqlUuid>, _>(ids).bind::<Array<Integer>, _>(counts).get_results(connection).await?;
    Ok(rows.into_iter().filter_map(|row| row.id).collect())
}

/// Cancels whatever waits for the failed jobs, and whatever waits for those.
async fn cancel_waiting(connection: &mut AsyncPgConnection, failed: &[Uuid]) -> Result<Vec<Ended>, DbError> {
    const CANCEL: &str = "\
        WITH RECURSIVE doomed (id, because) AS ( \
            SELECT id, waits_for FROM jobs \
            WHERE waits_for = ANY($1) AND waits_for IS NOT NULL AND state = 'scheduled' AND run_at = $2 \
            UNION \
            SELECT j.id, j.waits_for FROM jobs j JOIN doomed ON j.waits_for = doomed.id \
            WHERE j.waits_for IS NOT NULL AND j.state = 'scheduled' AND j.run_at = $2) \
        UPDATE jobs j SET state = 'cancelled', finished_at = now(), run_at = now(), \
            error = 'the job it waits for did not succeed: ' || doomed.because \
        FROM doomed WHERE j.id = doomed.id AND j.state = 'scheduled' AND j.run_at = $2 \
        RETURNING j.id, j.queue, j.parent_id, j.state";
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql(CANCEL).bind::<Array<SqlUuid>, _>(failed).bind::<Timestamptz, _>(waiting()).get_results(connection).await?)
}

/// Makes continuations available whose parent has succeeded, or is no longer kept, and has no children left.
async fn release(
    connection: &mut AsyncPgConnection,
    now: impl Into<Option<DateTime<Utc>>>,
    parents: &[Uuid],
) -> Result<Vec<Ready>, DbError> {
    const RELEASE: &str = "\
        UPDATE jobs c SET state = 'available', run_at = COALESCE($2, now()) \
        WHERE c.waits_for = ANY($1) AND c.waits_for IS NOT NULL AND c.state = 'scheduled' AND c.run_at = $3 \
            AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.id = c.waits_for \
                            AND NOT (p.state = 'succeeded' AND p.children_left = 0)) \
        RETURNING c.id, c.queue, c.priority";
    if parents.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql(RELEASE)
        .bind::<Array<SqlUuid>, _>(parents)
        .bind::<Nullable<Timestamptz>, _>(now.into())
        .bind::<Timestamptz, _>(waiting())
        .get_results(connection)
        .await?)
}
