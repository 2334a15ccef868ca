//! Heartbeats: leases extended and progress written for all running jobs of a worker in one statement.

use super::claim::milliseconds;
use crate::DbError;
use crate::sql::{Sql, sql};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;
use uuid::Uuid;

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: i64,
    /// Units in all, once known.
    pub total: Option<i64>,
    /// What it is busy with; at most 200 characters.
    pub note: Option<String>,
}

/// One running attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The job.
    pub id: Uuid,
    /// Proves the attempt is ours.
    pub lease_token: Uuid,
    /// Progress not yet written.
    pub progress: Option<Progress>,
}

/// An attempt that is still the worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Alive {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Which attempt of it: two of one job may be asked about at once.
    #[diesel(sql_type = SqlUuid)]
    pub lease_token: Uuid,
    /// Whether it is to be stopped.
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
}

/// Extends the leases and writes progress; attempts not answered have lost theirs.
pub async fn extend(
    connection: &mut AsyncPgConnection,
    lease: Duration,
    beats: &[Beat],
) -> Result<Vec<Alive>, DbError> {
    const EXTEND: &str = "\
        WITH locked AS MATERIALIZED ( \
            SELECT j.id FROM jobs j WHERE j.id = ANY($1) AND j.state = 'running' ORDER BY j.id FOR NO KEY UPDATE), \
        input AS (SELECT * FROM unnest($1, $2, $3, $4, $5) AS t (id, token, done, total, note)) \
        UPDATE jobs j SET leased_until = now() + $6 * interval '1 millisecond', \
            progress_done = COALESCE(i.done, j.progress_done), \
            progress_total = CASE WHEN i.done IS NULL THEN j.progress_total ELSE i.total END, \
            progress_note = CASE WHEN i.done IS NULL THEN j.progress_note ELSE i.note END \
        FROM locked JOIN input i ON i.id = locked.id \
        WHERE j.id = locked.id AND j.state = 'running' AND j.lease_token = i.token \
        RETURNING j.id, j.lease_token, j.cancel_requested";
    Ok(bind(sql(EXTEND), beats).bind::<BigInt, _>(milliseconds(lease)).get_results(connection).await?)
}

/// Writes progress without touching leases.
pub async fn report(connection: &mut AsyncPgConnection, beats: &[Beat]) -> Result<(), DbError> {
    const REPORT: &str = "\
        WITH locked AS MATERIALIZED ( \
            SELECT j.id FROM jobs j WHERE j.id = ANY($1) AND j.state = 'running' ORDER BY j.id FOR NO KEY UPDATE), \
        input AS (SELECT * FROM unnest($1, $2, $3, $4, $5) AS t (id, token, done, total, note)) \
        UPDATE jobs j SET progress_done = i.done, progress_total = i.total, progress_note = i.note \
        FROM locked JOIN input i ON i.id = locked.id \
        WHERE j.id = locked.id AND j.state = 'running' AND j.lease_token = i.token AND i.done IS NOT NULL";
    bind(sql(REPORT), beats).execute(connection).await?;
    Ok(())
}

/// The lease tokens of those attempts of the jobs that are to be stopped.
pub async fn to_cancel(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    const READ: &str = "SELECT id, lease_token, cancel_requested FROM jobs \
        WHERE id = ANY($1) AND state = 'running' AND cancel_requested AND lease_token IS NOT NULL";
    let rows: Vec<Alive> = sql(READ).bind::<Array<SqlUuid>, _>(ids).get_results(connection).await?;
    Ok(rows.into_iter().map(|row| row.lease_token).collect())
}

/// Binds ids, tokens and progress as `$1` to `$5`.
fn bind<'a>(statement: Sql<'a>, beats: &'a [Beat]) -> Sql<'a> {
    fn column<'a, T>(beats: &'a [Beat], of: impl Fn(Option<&'a Progress>) -> Option<T>) -> Vec<Option<T>> {
        beats.iter().map(|beat| of(beat.progress.as_ref())).collect()
    }
    statement
        .bind::<Array<SqlUuid>, _>(beats.iter().map(|beat| beat.id).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(beats.iter().map(|beat| beat.lease_token).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(column(beats, |progress| progress.map(|p| p.done)))
        .bind::<Array<Nullable<BigInt>>, _>(column(beats, |progress| progress.and_then(|p| p.total)))
        .bind::<Array<Nullable<Text>>, _>(column(beats, |progress| progress.and_then(|p| p.note.as_deref())))
}
