//! Finishing: the outcomes of attempts, recorded together in one transaction.
//!
//! Each is fenced by id, attempt and lease token, so a worker that lost its lease changes nothing; recording an outcome
//! twice changes nothing either, which makes it safe to repeat after a lost answer. A job that was woken while it ran runs
//! once more: put off, not for longer than until then; done, as a new job like it.

use super::enqueue::{InsertJob, Inserted, insert};
use super::family::{self, Ended, Settled};
use super::heartbeat::Progress;
use super::minutes::{self, ByQueue};
use super::{JobState, Ready};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid, Varchar,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done, with the job's result.
    Succeeded(serde_json::Value),
    /// Failed; to be tried again.
    Retry {
        /// Not before.
        run_at: DateTime<Utc>,
        /// What happened.
        error: String,
    },
    /// Put off; not an attempt.
    Snooze {
        /// Not before.
        run_at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Failed for good.
    Discarded(String),
    /// Stopped on request; the text says what it was at.
    Cancelled(Option<String>),
    /// Not finished through no fault of the job's; not an attempt.
    GivenBack,
}

impl Outcome {
    /// The state it leads to, unless cancellation was asked for.
    pub fn state(&self) -> JobState {
        match self {
            Self::Succeeded(_) => JobState::Succeeded,
            Self::Retry { .. } | Self::Snooze { .. } => JobState::Scheduled,
            Self::Discarded(_) => JobState::Discarded,
            Self::Cancelled(_) => JobState::Cancelled,
            Self::GivenBack => JobState::Available,
        }
    }

    fn run_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Retry { run_at, .. } | Self::Snooze { run_at, .. } => Some(*run_at),
            _ => None,
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Retry { error, .. } | Self::Discarded(error) | Self::Cancelled(Some(error)) => Some(error),
            _ => None,
        }
    }

    fn result(&self) -> Option<&serde_json::Value> {
        match self {
            Self::Succeeded(result) if !result.is_null() => Some(result),
            _ => None,
        }
    }
}

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// The job.
    pub id: Uuid,
    /// Which attempt.
    pub attempt: i32,
    /// What the claim answered.
    pub lease_token: Uuid,
    /// Whose child it is, to be locked with it.
    pub parent_id: Option<Uuid>,
    /// How it ended.
    pub outcome: Outcome,
    /// Progress not yet written.
    pub progress: Option<Progress>,
    /// Jobs to enqueue if, and only if, this attempt is recorded as succeeded.
    pub next: Vec<InsertJob>,
}

/// What was recorded; attempts that were no longer the worker's are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The attempts' jobs and their new states.
    pub jobs: Vec<(Uuid, JobState)>,
    /// Continuations and successors that may run now.
    pub released: Vec<Ready>,
    /// Continuations that will never run.
    pub cancelled: Vec<Uuid>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    /// Which attempt: a batch may hold a stale one of the same job.
    #[diesel(sql_type = SqlUuid)]
    token: Uuid,
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: JobState,
    /// Somebody woke it while it ran.
    #[diesel(sql_type = Bool)]
    woken: bool,
}

/// Records outcomes, accounts for families and counts throughput, all or nothing.
pub async fn finish(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    finishes: &[Finish],
) -> Result<Recorded, DbError> {
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let rows = write(connection, finishes).await?;
            let ended: Vec<Ended> = rows.iter().filter(|row| row.state.is_terminal()).map(Row::ended).collect();
            let settled = match ended.is_empty() {
                true => Settled::default(),
                false => family::settle(connection, now, &ended).await?,
            };
            let mut released = settled.released;
            released.extend(enqueue_next(connection, now, finishes, &rows).await?);
            let mut counts = count(finishes, &rows);
            minutes::count_ended(&mut counts, &settled.cancelled);
            minutes::add(connection, &counts).await?;
            Ok(Recorded {
                jobs: rows.into_iter().map(|row| (row.id, row.state)).collect(),
                released,
                cancelled: settled.cancelled.into_iter().map(|job| job.id).collect(),
            })
        })
        .await
}

/// Enqueues the successors of the attempts that succeeded. A successor may have its predecessor's unique key: that one
/// is no longer alive.
async fn enqueue_next(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    finishes: &[Finish],
    rows: &[Row],
) -> Result<Vec<Ready>, DbError> {
    let succeeded: HashSet<Uuid> =
        rows.iter().filter(|row| row.state == JobState::Succeeded).map(|row| row.token).collect();
    let mut next: Vec<InsertJob> = finishes
        .iter()
        .filter(|finish| succeeded.contains(&finish.lease_token))
        .flat_map(|finish| finish.next.iter().cloned())
        .collect();
    let woken: Vec<Uuid> =
        rows.iter().filter(|row| row.woken && row.state == JobState::Succeeded).map(|row| row.id).collect();
    if !woken.is_empty() {
        next.extend(once_more(connection, &woken, now).await?);
    }
    if next.is_empty() {
        return Ok(Vec::new());
    }
    let inserted = insert(connection, &next).await?;
    let ready = |(job, inserted): (InsertJob, Inserted)| match inserted {
        Inserted::New => {
            let due = job.state == JobState::Available;
            due.then_some(Ready { id: job.id, queue: job.queue, priority: job.priority })
        }
        Inserted::Exists { id, queue, priority, woken } => woken.then_some(Ready { id, queue, priority }),
    };
    Ok(next.into_iter().zip(inserted).filter_map(ready).collect())
}

#[derive(QueryableByName)]
struct Again {
    #[diesel(sql_type = Varchar)]
    kind: String,
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = Jsonb)]
    payload: serde_json::Value,
    #[diesel(sql_type = Integer)]
    max_attempts: i32,
    #[diesel(sql_type = Nullable<Varchar>)]
    unique_key: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    created_by: Option<i64>,
}

/// New jobs like those that were woken while they ran; each wakes its successor, should it have one.
async fn once_more(
    connection: &mut AsyncPgConnection,
    woken: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<InsertJob>, DbError> {
    const LIKE: &str = "SELECT kind, queue, priority, payload, max_attempts, unique_key, created_by FROM jobs \
        WHERE id = ANY($1) ORDER BY id";
    let rows: Vec<Again> = sql(LIKE).bind::<Array<SqlUuid>, _>(woken).get_results(connection).await?;
    let job = |row: Again| InsertJob {
        id: Uuid::now_v7(),
        kind: row.kind,
        queue: row.queue,
        priority: row.priority,
        payload: row.payload,
        state: JobState::Available,
        run_at: now,
        max_attempts: row.max_attempts,
        unique_key: row.unique_key,
        parent_id: None,
        waits_for: None,
        created_by: row.created_by,
        wakes: true,
    };
    Ok(rows.into_iter().map(job).collect())
}

async fn write(connection: &mut AsyncPgConnection, finishes: &[Finish]) -> Result<Vec<Row>, DbError> {
    // parents are locked with their children, in one order, so that two families that end at once cannot deadlock
    const FINISH: &str = "\
        WITH locked AS MATERIALIZED ( \
            SELECT j.id FROM jobs j WHERE j.id = ANY($1 || $2) ORDER BY j.id FOR NO KEY UPDATE), \
        input AS ( \
            SELECT * FROM unnest($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
            AS t (id, attempt, token, state, refunded, snoozed, run_at, error, result, done, total, note)) \
        UPDATE jobs j SET \
            state = CASE WHEN j.cancel_requested AND i.state IN ('scheduled', 'available') THEN 'cancelled' \
                         ELSE i.state END, \
            finished_at = CASE WHEN i.state IN ('succeeded', 'discarded', 'cancelled') OR j.cancel_requested \
                               THEN now() END, \
            attempt = j.attempt - i.refunded::int, \
            snoozes = j.snoozes + i.snoozed::int, \
            run_at = COALESCE(LEAST(i.run_at, CASE WHEN i.snoozed THEN j.woken_at END), j.run_at), \
            error = CASE WHEN i.state = 'succeeded' THEN NULL ELSE COALESCE(i.error, j.error) END, \
            result = i.result, \
            progress_done = COALESCE(i.done, j.progress_done), \
            progress_total = CASE WHEN i.done IS NULL THEN j.progress_total ELSE i.total END, \
            progress_note = COALESCE(i.note, j.progress_note), \
            lease_token = NULL, leased_until = NULL, dispatched_at = NULL \
        FROM locked JOIN input i ON i.id = locked.id \
        WHERE j.id = locked.id AND j.state = 'running' AND j.attempt = i.attempt AND j.lease_token = i.token \
        RETURNING j.id, i.token, j.queue, j.parent_id, j.state, j.woken_at IS NOT NULL AS woken";
    fn column<'a, T>(finishes: &'a [Finish], of: impl Fn(&'a Finish) -> T) -> Vec<T> {
        finishes.iter().map(of).collect()
    }
    let refunded = |finish: &Finish| matches!(finish.outcome, Outcome::Snooze { .. } | Outcome::GivenBack);
    let snoozed = |finish: &Finish| matches!(finish.outcome, Outcome::Snooze { .. });
    Ok(sql(FINISH)
        .bind::<Array<SqlUuid>, _>(column(finishes, |finish| finish.id))
        .bind::<Array<SqlUuid>, _>(finishes.iter().filter_map(|finish| finish.parent_id).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(column(finishes, |finish| finish.attempt))
        .bind::<Array<SqlUuid>, _>(column(finishes, |finish| finish.lease_token))
        .bind::<Array<Text>, _>(column(finishes, |finish| finish.outcome.state().name()))
        .bind::<Array<Bool>, _>(column(finishes, refunded))
        .bind::<Array<Bool>, _>(column(finishes, snoozed))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(finishes, |finish| finish.outcome.run_at()))
        .bind::<Array<Nullable<Text>>, _>(column(finishes, |finish| finish.outcome.error()))
        .bind::<Array<Nullable<Jsonb>>, _>(column(finishes, |finish| finish.outcome.result()))
        .bind::<Array<Nullable<BigInt>>, _>(column(finishes, |finish| finish.progress.as_ref().map(|p| p.done)))
        .bind::<Array<Nullable<BigInt>>, _>(column(finishes, |finish| finish.progress.as_ref().and_then(|p| p.total)))
        .bind::<Array<Nullable<Text>>, _>(column(finishes, note))
        .get_results(connection)
        .await?)
}

fn note(finish: &Finish) -> Option<&str> {
    match &finish.outcome {
        Outcome::Snooze { reason, .. } => Some(reason),
        _ => finish.progress.as_ref().and_then(|progress| progress.note.as_deref()),
    }
}

fn count(finishes: &[Finish], rows: &[Row]) -> ByQueue {
    let outcomes: HashMap<Uuid, &Outcome> =
        finishes.iter().map(|finish| (finish.lease_token, &finish.outcome)).collect();
    let mut counts = ByQueue::new();
    for row in rows {
        let queue = counts.entry(row.queue.clone()).or_default();
        match (row.state, outcomes.get(&row.token)) {
            (JobState::Succeeded, _) => queue.succeeded += 1,
            (JobState::Discarded, _) => queue.discarded += 1,
            (JobState::Cancelled, _) => queue.cancelled += 1,
            (JobState::Scheduled, Some(Outcome::Snooze { .. })) => queue.snoozed += 1,
            (JobState::Scheduled, _) => queue.retried += 1,
            (JobState::Available | JobState::Running, _) => {}
        }
    }
    counts
}

impl Row {
    fn ended(&self) -> Ended {
        Ended { id: self.id, queue: self.queue.clone(), parent_id: self.parent_id, state: self.state }
    }
}
