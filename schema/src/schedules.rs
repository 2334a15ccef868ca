//! Recurring jobs. A fire is a compare-and-set of `next_fire_at`, made in the transaction that enqueues, so that of any
//! number of schedulers exactly one fires.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid, Varchar},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

/// A schedule whose time has come, or that has not been given one.
#[derive(Debug, Clone, QueryableByName)]
pub struct DueSchedule {
    /// Its id.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What people call it.
    #[diesel(sql_type = Varchar)]
    pub name: String,
    /// The kind of job it makes.
    #[diesel(sql_type = Varchar)]
    pub kind: String,
    /// The job's payload.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
    /// A cron expression.
    #[diesel(sql_type = Varchar)]
    pub cron: String,
    /// IANA name.
    #[diesel(sql_type = Varchar)]
    pub time_zone: String,
    /// When it was due; `None` when it has just been made or changed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_fire_at: Option<DateTime<Utc>>,
    /// Who made it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub created_by: Option<i64>,
}

/// A schedule's next time, provided that it still stands where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The schedule.
    pub id: i64,
    /// The time it was seen with.
    pub seen: Option<DateTime<Utc>>,
    /// Its next time; `None` switches it off.
    pub next: Option<DateTime<Utc>>,
    /// Whether this makes a job; a schedule that is new or has changed only gets its time.
    pub fires: bool,
}

/// A schedule to be there from the start.
#[derive(Debug, Clone, Copy)]
pub struct NewSchedule<'a> {
    /// Unique.
    pub name: &'a str,
    /// The kind of job it makes.
    pub kind: &'a str,
    /// A cron expression.
    pub cron: &'a str,
    /// IANA name.
    pub time_zone: &'a str,
}

/// Schedules of the given kinds that are due or have no time yet, longest due first.
///
/// Only kinds that the caller knows: during a deploy an older scheduler leaves the others to a newer one.
pub async fn due(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    kinds: &[&str],
    limit: i64,
) -> Result<Vec<DueSchedule>, DbError> {
    // two scans of one index: an OR over NULL would read the whole table
    const DUE: &str = "\
        (SELECT id, name, kind, payload, cron, time_zone, next_fire_at, created_by FROM schedules \
         WHERE enabled AND next_fire_at <= $1 AND kind = ANY($2) ORDER BY next_fire_at LIMIT $3) \
        UNION ALL \
        (SELECT id, name, kind, payload, cron, time_zone, next_fire_at, created_by FROM schedules \
         WHERE enabled AND next_fire_at IS NULL AND kind = ANY($2) LIMIT $3)";
    Ok(diesel::sql_query(DUE)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Text>, _>(kinds)
        .bind::<BigInt, _>(limit)
        .load(connection)
        .await?)
}

#[derive(QueryableByName)]
struct Won {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Moves the schedules on and answers with those that this caller moved. One that another scheduler has moved, or is
/// moving right now, is left out.
pub async fn advance(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    advances: &[Advance],
) -> Result<Vec<i64>, DbError> {
    const ADVANCE: &str = "\
        WITH wanted AS ( \
            SELECT * FROM unnest($2::BIGINT[], $3::TIMESTAMPTZ[], $4::TIMESTAMPTZ[], $5::BOOLEAN[]) \
                AS t (id, seen, next, fires) \
        ), held AS ( \
            SELECT s.id, w.next, w.fires FROM schedules s JOIN wanted w ON w.id = s.id \
            WHERE s.enabled AND s.next_fire_at IS NOT DISTINCT FROM w.seen \
            ORDER BY s.id FOR UPDATE OF s SKIP LOCKED \
        ) \
        UPDATE schedules s SET next_fire_at = held.next, enabled = held.next IS NOT NULL, \
            last_fire_at = CASE WHEN held.fires THEN $1 ELSE s.last_fire_at END, updated_at = $1 \
        FROM held WHERE s.id = held.id RETURNING s.id";
    let won: Vec<Won> = diesel::sql_query(ADVANCE)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<BigInt>, _>(advances.iter().map(|advance| advance.id).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(advances.iter().map(|advance| advance.seen).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(advances.iter().map(|advance| advance.next).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(advances.iter().map(|advance| advance.fires).collect::<Vec<_>>())
        .load(connection)
        .await?;
    Ok(won.into_iter().map(|row| row.id).collect())
}

/// Notes which job each schedule made last.
pub async fn record_jobs(connection: &mut AsyncPgConnection, made: &[(i64, Uuid)]) -> Result<(), DbError> {
    const RECORD: &str = "\
        UPDATE schedules s SET last_job_id = t.job FROM unnest($1::BIGINT[], $2::UUID[]) AS t (id, job) \
        WHERE s.id = t.id";
    diesel::sql_query(RECORD)
        .bind::<Array<BigInt>, _>(made.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(made.iter().map(|(_, job)| *job).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds the schedules that are not there yet and leaves alone those that are, however they were changed.
pub async fn add_missing(connection: &mut AsyncPgConnection, schedules: &[NewSchedule<'_>]) -> Result<usize, DbError> {
    const ADD: &str = "\
        INSERT INTO schedules (name, kind, cron, time_zone, enabled) \
        SELECT name, kind, cron, time_zone, $5 FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[]) \
            AS t (name, kind, cron, time_zone) \
        ON CONFLICT (name) DO NOTHING";
    let column = |of: fn(&NewSchedule<'_>) -> String| schedules.iter().map(of).collect::<Vec<_>>();
    Ok(diesel::sql_query(ADD)
        .bind::<Array<Text>, _>(column(|schedule| schedule.name.to_owned()))
        .bind::<Array<Text>, _>(column(|schedule| schedule.kind.to_owned()))
        .bind::<Array<Text>, _>(column(|schedule| schedule.cron.to_owned()))
        .bind::<Array<Text>, _>(column(|schedule| schedule.time_zone.to_owned()))
        .bind::<Bool, _>(true)
        .execute(connection)
        .await?)
}
