//! Reading jobs: one by its id, or a page of a filtered list, newest first.
//!
//! No page counts all its rows: counting stops at [`COUNT_LIMIT`].

use super::JobState;
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// Rows counted at most.
pub const COUNT_LIMIT: i64 = 10_000;

/// A job as people and programs see it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct JobRow {
    /// UUIDv7.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Wire name of the kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Wire name of the queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// 0, 1 or 2; 0 is the most urgent.
    #[diesel(sql_type = SmallInt)]
    pub priority: i16,
    /// The kind's own JSON.
    #[diesel(sql_type = Jsonb)]
    pub payload: serde_json::Value,
    /// Where it stands.
    #[diesel(sql_type = Text)]
    pub state: JobState,
    /// Not before; the year 9999 for a continuation whose parent is not done.
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    /// Attempts begun.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// Attempts before it is discarded.
    #[diesel(sql_type = Integer)]
    pub max_attempts: i32,
    /// Who runs it, or last did.
    #[diesel(sql_type = Nullable<Text>)]
    pub worker: Option<String>,
    /// One alive at a time.
    #[diesel(sql_type = Nullable<Text>)]
    pub unique_key: Option<String>,
    /// Whose child it is.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub parent_id: Option<Uuid>,
    /// Which job's children it waits for, or waited.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub waits_for: Option<Uuid>,
    /// Children not yet done.
    #[diesel(sql_type = Integer)]
    pub children_left: i32,
    /// Who asked for it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub created_by: Option<i64>,
    /// Whether it is to be stopped.
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
    /// How often it was put off.
    #[diesel(sql_type = Integer)]
    pub snoozes: i32,
    /// Units done.
    #[diesel(sql_type = BigInt)]
    pub progress_done: i64,
    /// Units in all, once known.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub progress_total: Option<i64>,
    /// What it is busy with, or why it was put off.
    #[diesel(sql_type = Nullable<Text>)]
    pub progress_note: Option<String>,
    /// What it achieved.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub result: Option<serde_json::Value>,
    /// What last went wrong.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its last attempt began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which jobs to list; everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// In this state.
    pub state: Option<JobState>,
    /// Children of this job.
    pub parent: Option<Uuid>,
    /// Asked for by this user.
    pub created_by: Option<i64>,
    /// Older than this job: the last of the page before.
    pub before: Option<Uuid>,
}

/// A count that may have stopped early.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounded {
    /// Rows counted.
    pub count: i64,
    /// Whether there may be more.
    pub at_least: bool,
}

impl Bounded {
    /// Of a count that stopped after one more than the limit.
    pub(super) fn of(count: i64) -> Self {
        Self { count: count.min(COUNT_LIMIT), at_least: count > COUNT_LIMIT }
    }
}

macro_rules! columns {
    () => {
        "id, kind, queue, priority, payload, state, run_at, attempt, max_attempts, worker, unique_key, parent_id, \
         waits_for, children_left, created_by, cancel_requested, snoozes, progress_done, progress_total, \
         progress_note, result, error, created_at, started_at, finished_at"
    };
}

/// One job.
pub async fn get(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<JobRow>, DbError> {
    let rows: Vec<JobRow> = sql(concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1"))
        .bind::<SqlUuid, _>(id)
        .get_results(connection)
        .await?;
    Ok(rows.into_iter().next())
}

/// The states of some jobs; those that are no longer kept are absent.
pub async fn states(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, JobState)>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        state: JobState,
    }
    let rows: Vec<Row> = sql("SELECT id, state FROM jobs WHERE id = ANY($1)")
        .bind::<Array<SqlUuid>, _>(ids)
        .get_results(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.state)).collect())
}

/// The kinds whose newest job is in queue `$1`, found by jumping from kind to kind along their index. A kind belongs to
/// one queue, but the ledger knows of kinds only what its rows say.
macro_rules! kinds_of_queue {
    () => {
        "WITH RECURSIVE every (name) AS ( \
            SELECT min(kind)::text FROM jobs \
            UNION ALL SELECT (SELECT min(kind) FROM jobs WHERE kind > every.name) FROM every \
            WHERE every.name IS NOT NULL), \
         k AS (SELECT name FROM every \
            WHERE (SELECT queue FROM jobs WHERE kind = every.name ORDER BY id DESC LIMIT 1) = $1) "
    };
}

/// A page of the list, newest first: `limit` rows after the first `offset`.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &JobFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<JobRow>, DbError> {
    let (limit, offset) = (limit.clamp(1, 1_000), offset.clamp(0, COUNT_LIMIT));
    let conditions = filter.conditions();
    let page = format!("ORDER BY id DESC LIMIT {limit} OFFSET {offset}");
    let text = match filter.is_one_queue() {
        false => format!(concat!("SELECT ", columns!(), " FROM jobs WHERE {} {}"), conditions, page),
        // each kind has its own end of the index; what they give is merged
        true => format!(
            concat!(
                kinds_of_queue!(),
                "SELECT j.* FROM k CROSS JOIN LATERAL (SELECT ",
                columns!(),
                " FROM jobs WHERE kind = k.name AND {} ORDER BY id DESC LIMIT {}) j {}"
            ),
            conditions,
            limit + offset,
            page
        ),
    };
    Ok(filter.bind(text).get_results(connection).await?)
}

/// How many jobs match, up to [`COUNT_LIMIT`].
pub async fn count(connection: &mut AsyncPgConnection, filter: &JobFilter) -> Result<Bounded, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let stop = COUNT_LIMIT + 1;
    let conditions = filter.conditions();
    let text = match filter.is_one_queue() {
        false => format!("SELECT count(*) AS count FROM (SELECT FROM jobs WHERE {conditions} LIMIT {stop}) r"),
        true => format!(
            concat!(
                kinds_of_queue!(),
                "SELECT count(*) AS count FROM (SELECT FROM k CROSS JOIN LATERAL ( \
                    SELECT FROM jobs WHERE kind = k.name AND {} LIMIT {}) j LIMIT {}) r"
            ),
            conditions, stop, stop
        ),
    };
    let row: Row = filter.bind(text).get_result(connection).await?;
    Ok(Bounded::of(row.count))
}

impl JobFilter {
    /// Whether it asks for the jobs of one queue, most of which have succeeded: the one list that no index gives in
    /// order, since an index for it would cost every job.
    fn is_one_queue(&self) -> bool {
        self.queue.is_some()
            && self.kind.is_none()
            && self.parent.is_none()
            && self.created_by.is_none()
            && self.state.is_none_or(|state| state == JobState::Succeeded)
    }

    /// Only conditions that are set are written, so that the planner sees which index serves.
    fn conditions(&self) -> String {
        let conditions = [
            (self.queue.is_some(), "queue = $1"),
            (self.state.is_some(), "state = $2"),
            (self.parent.is_some(), "parent_id = $3"),
            (self.created_by.is_some(), "created_by = $4"),
            (self.before.is_some(), "id < $5"),
            (self.kind.is_some(), "kind = $6"),
        ];
        let written: Vec<&str> = conditions.into_iter().filter(|(set, _)| *set).map(|(_, text)| text).collect();
        match written.is_empty() {
            true => "TRUE".to_owned(),
            false => written.join(" AND "),
        }
    }

    /// All parameters are bound in any case. Planned anew each time, since the best plan depends on the values.
    fn bind(&self, text: String) -> BoxedSqlQuery<'_, Pg, SqlQuery> {
        diesel::sql_query(text)
            .into_boxed::<Pg>()
            .bind::<Nullable<Text>, _>(self.queue.as_deref())
            .bind::<Nullable<Text>, _>(self.state.map(JobState::name))
            .bind::<Nullable<SqlUuid>, _>(self.parent)
            .bind::<Nullable<BigInt>, _>(self.created_by)
            .bind::<Nullable<SqlUuid>, _>(self.before)
            .bind::<Nullable<Text>, _>(self.kind.as_deref())
    }
}
