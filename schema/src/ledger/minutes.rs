//! Finished attempts a minute and queue, so that throughput is read without counting jobs.

use super::{JobState, family::Ended};
use crate::{DbError, sql::sql};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Text, Varchar};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::BTreeMap;

/// Attempts by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Done.
    pub succeeded: i64,
    /// Failed, to be tried again.
    pub retried: i64,
    /// Put off.
    pub snoozed: i64,
    /// Given up.
    pub discarded: i64,
    /// Stopped on request.
    pub cancelled: i64,
}

/// Counts by queue; ordered, so that two transactions lock the rows in the same order.
pub type ByQueue = BTreeMap<String, Counts>;

/// Counts jobs that ended outside a run.
pub fn count_ended<'a>(counts: &mut ByQueue, ended: impl IntoIterator<Item = &'a Ended>) {
    for job in ended {
        let queue = counts.entry(job.queue.clone()).or_default();
        match job.state {
            JobState::Succeeded => queue.succeeded += 1,
            JobState::Discarded => queue.discarded += 1,
            JobState::Cancelled => queue.cancelled += 1,
            JobState::Scheduled | JobState::Available | JobState::Running => {}
        }
    }
}

/// Adds to the present minute. The rows are locked until the transaction ends, so this is its last statement.
pub async fn add(connection: &mut AsyncPgConnection, counts: &ByQueue) -> Result<(), DbError> {
    const ADD: &str = "\
        INSERT INTO queue_minutes AS m (queue, minute, succeeded, retried, snoozed, discarded, cancelled) \
        SELECT t.queue, date_trunc('minute', now()), t.succeeded, t.retried, t.snoozed, t.discarded, t.cancelled \
        FROM unnest($1, $2, $3, $4, $5, $6) AS t (queue, succeeded, retried, snoozed, discarded, cancelled) \
        ORDER BY t.queue \
        ON CONFLICT (queue, minute) DO UPDATE SET succeeded = m.succeeded + excluded.succeeded, \
            retried = m.retried + excluded.retried, snoozed = m.snoozed + excluded.snoozed, \
            discarded = m.discarded + excluded.discarded, cancelled = m.cancelled + excluded.cancelled";
    let counts: Vec<(&String, &Counts)> = counts.iter().filter(|(_, counts)| **counts != Counts::default()).collect();
    if counts.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Counts) -> i64| counts.iter().map(|(_, counts)| of(counts)).collect::<Vec<i64>>();
    sql(ADD)
        .bind::<Array<Text>, _>(counts.iter().map(|(queue, _)| queue.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(column(|counts| counts.succeeded))
        .bind::<Array<BigInt>, _>(column(|counts| counts.retried))
        .bind::<Array<BigInt>, _>(column(|counts| counts.snoozed))
        .bind::<Array<BigInt>, _>(column(|counts| counts.discarded))
        .bind::<Array<BigInt>, _>(column(|counts| counts.cancelled))
        .execute(connection)
        .await?;
    Ok(())
}

/// What a queue got done lately.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Throughput {
    /// Wire name of the queue.
    #[diesel(sql_type = Varchar)]
    pub queue: String,
    /// Done.
    #[diesel(sql_type = BigInt)]
    pub succeeded: i64,
    /// Failed, to be tried again.
    #[diesel(sql_type = BigInt)]
    pub retried: i64,
    /// Put off.
    #[diesel(sql_type = BigInt)]
    pub snoozed: i64,
    /// Given up.
    #[diesel(sql_type = BigInt)]
    pub discarded: i64,
    /// Stopped on request.
    #[diesel(sql_type = BigInt)]
    pub cancelled: i64,
}

/// What each queue got done in the last `minutes` minutes; queues that did nothing are absent.
pub async fn throughput(connection: &mut AsyncPgConnection, minutes: i32) -> Result<Vec<Throughput>, DbError> {
    const READ: &str = "\
        SELECT queue, sum(succeeded)::bigint AS succeeded, sum(retried)::bigint AS retried, \
            sum(snoozed)::bigint AS snoozed, sum(discarded)::bigint AS discarded, sum(cancelled)::bigint AS cancelled \
        FROM queue_minutes WHERE minute > now() - make_interval(mins => $1) GROUP BY queue ORDER BY queue";
    Ok(sql(READ).bind::<Integer, _>(minutes).get_results(connection).await?)
}
