//! The queues at a glance: depth by state, the oldest waiting job, what is discarded. Counting stops at a bound.

use super::list::{Bounded, COUNT_LIMIT};
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// Its wire name.
    pub queue: String,
    /// Due, and waiting for a worker.
    pub available: Bounded,
    /// Not due yet, or waiting for another job.
    pub scheduled: Bounded,
    /// Leased by workers.
    pub running: Bounded,
    /// Given up and still kept.
    pub discarded: Bounded,
    /// Since when the oldest waiting job is due.
    pub oldest_due: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = BigInt)]
    available: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    discarded: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest_due: Option<DateTime<Utc>>,
}

/// The depth of each of these queues. A scheduled job that is due counts as available: the relay takes it as soon as
/// there is room for it.
pub async fn depths(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    queues: &[&str],
) -> Result<Vec<QueueDepth>, DbError> {
    const DEPTHS: &str = "\
        SELECT q.queue, \
            (SELECT count(*) FROM (SELECT FROM jobs j \
                WHERE j.queue = q.queue AND j.state = 'available' LIMIT $2) c) AS available, \
            (SELECT count(*) FROM (SELECT FROM jobs j \
                WHERE j.queue = q.queue AND j.state = 'scheduled' AND j.run_at <= $3 LIMIT $2) c) AS due, \
            (SELECT count(*) FROM (SELECT FROM jobs j \
                WHERE j.queue = q.queue AND j.state = 'scheduled' AND j.run_at > $3 LIMIT $2) c) AS scheduled, \
            (SELECT count(*) FROM (SELECT FROM jobs j \
                WHERE j.queue = q.queue AND j.state = 'running' LIMIT $2) c) AS running, \
            (SELECT count(*) FROM (SELECT FROM jobs j \
                WHERE j.queue = q.queue AND j.state = 'discarded' LIMIT $2) c) AS discarded, \
            LEAST((SELECT min(j.run_at) FROM jobs j WHERE j.queue = q.queue AND j.state = 'available'), \
                  (SELECT min(j.run_at) FROM jobs j \
                   WHERE j.queue = q.queue AND j.state = 'scheduled' AND j.run_at <= $3)) AS oldest_due \
        FROM unnest($1) WITH ORDINALITY AS q (queue, place) ORDER BY q.place";
    let rows: Vec<Row> = sql(DEPTHS)
        .bind::<Array<Text>, _>(queues)
        .bind::<BigInt, _>(COUNT_LIMIT + 1)
        .bind::<Timestamptz, _>(now)
        .get_results(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| QueueDepth {
            queue: row.queue,
            available: Bounded::of(row.available + row.due),
            scheduled: Bounded::of(row.scheduled),
            running: Bounded::of(row.running),
            discarded: Bounded::of(row.discarded),
            oldest_due: row.oldest_due,
        })
        .collect())
}
