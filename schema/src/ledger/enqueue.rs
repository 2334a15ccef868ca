//! Enqueueing: one insert for any number of jobs, on the caller's connection, inside the caller's transaction.
//!
//! A job whose unique key is alive is not written; the living job is answered instead, woken if that was asked for: one
//! that sleeps runs at once, one that runs will run once more when its attempt has ended.

use super::{JobState, family};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid, Varchar,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// How often an insert is tried again because the job that held its unique key ended in between.
const TRIES: usize = 5;

/// A row to be.
#[derive(Debug, Clone, PartialEq)]
pub struct InsertJob {
    /// UUIDv7.
    pub id: Uuid,
    /// Wire name of the kind.
    pub kind: String,
    /// Wire name of the queue.
    pub queue: String,
    /// 0, 1 or 2; 0 is the most urgent.
    pub priority: i16,
    /// The kind's own JSON.
    pub payload: serde_json::Value,
    /// `Available`, or `Scheduled` for whatever the relay is to push when it is due.
    pub state: JobState,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Attempts before it is discarded.
    pub max_attempts: i32,
    /// One alive at a time.
    pub unique_key: Option<String>,
    /// Whose child it is.
    pub parent_id: Option<Uuid>,
    /// Runs once all children of that job are done.
    pub waits_for: Option<Uuid>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// Where its unique key is alive and sleeps for longer, or runs, the living job wakes in its stead.
    pub wakes: bool,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// Written.
    New,
    /// A living job holds its unique key.
    Exists {
        /// That job.
        id: Uuid,
        /// Its queue's wire name.
        queue: String,
        /// Its level.
        priority: i16,
        /// It slept, and may run now.
        woken: bool,
    },
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct Living {
    #[diesel(sql_type = Varchar)]
    unique_key: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Varchar)]
    queue: String,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
}

/// Writes the jobs and answers for each, in their order. Must run inside a transaction when any of them has a parent
/// or waits for one, since the parents' accounts are further statements.
pub async fn insert(connection: &mut AsyncPgConnection, jobs: &[InsertJob]) -> Result<Vec<Inserted>, DbError> {
    let mut written: HashSet<Uuid> = HashSet::with_capacity(jobs.len());
    let mut living: HashMap<String, Living> = HashMap::new();
    let mut open: Vec<&InsertJob> = jobs.iter().collect();
    for _ in 0..TRIES {
        written.extend(insert_rows(connection, &open).await?);
        open.retain(|job| !written.contains(&job.id));
        if open.is_empty() {
            break;
        }
        let found = find_living(connection, &open).await?;
        living.extend(found.into_iter().map(|row| (row.unique_key.clone(), row)));
        open.retain(|job| !job.unique_key.as_ref().is_some_and(|key| living.contains_key(key)));
        if open.is_empty() {
            break;
        }
    }
    if !open.is_empty() {
        return Err(DbError::Query(diesel::result::Error::NotFound));
    }
    account_for_family(connection, jobs, &written).await?;
    let woken = wake(connection, jobs, &living).await?;
    let answer = |job: &InsertJob| match job.unique_key.as_ref().and_then(|key| living.get(key)) {
        Some(row) if !written.contains(&job.id) => {
            let woken = woken.contains(&row.id);
            Inserted::Exists { id: row.id, queue: row.queue.clone(), priority: row.priority, woken }
        }
        _ => Inserted::New,
    };
    Ok(jobs.iter().map(answer).collect())
}

async fn insert_rows(connection: &mut AsyncPgConnection, jobs: &[&InsertJob]) -> Result<Vec<Uuid>, DbError> {
    // in the order of their keys, so that two callers with the same keys wait for each other instead of deadlocking
    const INSERT: &str = "\
        INSERT INTO jobs (id, kind, queue, priority, payload, state, run_at, max_attempts, unique_key, parent_id, \
                          waits_for, created_by) \
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
            AS t (id, kind, queue, priority, payload, state, run_at, max_attempts, unique_key, parent_id, waits_for, \
                  created_by) \
        ORDER BY unique_key, id \
        ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state IN ('scheduled', 'available', 'running') \
        DO NOTHING RETURNING id";
    fn column<'a, T>(jobs: &[&'a InsertJob], of: impl Fn(&'a InsertJob) -> T) -> Vec<T> {
        jobs.iter().map(|job| of(job)).collect()
    }
    let rows: Vec<IdRow> = sql(INSERT)
        .bind::<Array<SqlUuid>, _>(column(jobs, |job| job.id))
        .bind::<Array<Text>, _>(column(jobs, |job| job.kind.as_str()))
        .bind::<Array<Text>, _>(column(jobs, |job| job.queue.as_str()))
        .bind::<Array<SmallInt>, _>(column(jobs, |job| job.priority))
        .bind::<Array<Jsonb>, _>(column(jobs, |job| &job.payload))
        .bind::<Array<Text>, _>(column(jobs, |job| job.state.name()))
        .bind::<Array<Timestamptz>, _>(column(jobs, |job| job.run_at))
        .bind::<Array<Integer>, _>(column(jobs, |job| job.max_attempts))
        .bind::<Array<Nullable<Text>>, _>(column(jobs, |job| job.unique_key.as_deref()))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(jobs, |job| job.parent_id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(jobs, |job| job.waits_for))
        .bind::<Array<Nullable<BigInt>>, _>(column(jobs, |job| job.created_by))
        .get_results(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

async fn find_living(connection: &mut AsyncPgConnection, jobs: &[&InsertJob]) -> Result<Vec<Living>, DbError> {
    const FIND: &str = "SELECT unique_key, id, queue, priority FROM jobs \
        WHERE unique_key = ANY($1) AND unique_key IS NOT NULL AND state IN ('scheduled', 'available', 'running')";
    // those to be woken must not end before they are
    const HOLD: &str = "SELECT unique_key, id, queue, priority FROM jobs \
        WHERE unique_key = ANY($1) AND unique_key IS NOT NULL AND state IN ('scheduled', 'available', 'running') \
        ORDER BY id FOR NO KEY UPDATE";
    let mut found: Vec<Living> = Vec::new();
    for (statement, wakes) in [(FIND, false), (HOLD, true)] {
        let keys = jobs.iter().filter(|job| job.wakes == wakes).filter_map(|job| job.unique_key.as_deref());
        let keys: Vec<&str> = keys.collect();
        if !keys.is_empty() {
            found.extend(sql(statement).bind::<Array<Text>, _>(keys).get_results::<Living>(connection).await?);
        }
    }
    Ok(found)
}

/// Has those living jobs run at once in whose stead something wakes them that is due: the ids of those that slept. One
/// that runs is told, and runs once more ([`finish`](super::finish)). What waits for others to be done sleeps on.
async fn wake(
    connection: &mut AsyncPgConnection,
    jobs: &[InsertJob],
    living: &HashMap<String, Living>,
) -> Result<HashSet<Uuid>, DbError> {
    const WAKE: &str = "\
        WITH asked AS (SELECT * FROM unnest($1, $2) AS g (id, run_at)), \
        told AS (UPDATE jobs j SET woken_at = a.run_at FROM asked a WHERE j.id = a.id AND j.state = 'running') \
        UPDATE jobs j SET state = 'available', run_at = a.run_at, dispatched_at = NULL \
        FROM asked a WHERE j.id = a.id AND j.state = 'scheduled' AND j.run_at > a.run_at AND j.waits_for IS NULL \
        RETURNING j.id";
    let due = jobs.iter().filter(|job| job.wakes && job.state == JobState::Available);
    let asked: BTreeMap<Uuid, DateTime<Utc>> =
        due.filter_map(|job| Some((living.get(job.unique_key.as_ref()?)?.id, job.run_at))).collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = asked.into_iter().unzip();
    let rows: Vec<IdRow> =
        sql(WAKE).bind::<Array<SqlUuid>, _>(ids).bind::<Array<Timestamptz>, _>(times).get_results(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Adds new children to their parents, and settles continuations whose parent is done already.
async fn account_for_family(
    connection: &mut AsyncPgConnection,
    jobs: &[InsertJob],
    written: &HashSet<Uuid>,
) -> Result<(), DbError> {
    let new = || jobs.iter().filter(|job| written.contains(&job.id));
    let mut children: BTreeMap<Uuid, i32> = BTreeMap::new();
    for parent in new().filter_map(|job| job.parent_id) {
        *children.entry(parent).or_default() += 1;
    }
    if !children.is_empty() {
        family::add_children(connection, &children).await?;
    }
    let mut awaited: Vec<Uuid> = new().filter_map(|job| job.waits_for).collect();
    if !awaited.is_empty() {
        awaited.sort_unstable();
        awaited.dedup();
        family::settle_late(connection, &awaited).await?;
    }
    Ok(())
}
