//! What the relay pushes: jobs that have become due, and jobs that were committed and never pushed.
//!
//! A picked row is marked as dispatched before its id is pushed. A push that then fails is taken back with
//! [`take_back`]; a relay that dies in between is made good by [`sweep`].

use super::Ready;
use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// How many ids one queue has room for at one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The queue's wire name.
    pub queue: String,
    /// The level.
    pub priority: i16,
    /// How many more ids its stream should hold.
    pub room: i64,
}

/// Picks and marks what is to be pushed, the longest due first, leaving out paused queues. Available jobs are picked
/// once they are due since before `pushed_before`: younger ones are on the fast path.
pub async fn pick(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    pushed_before: DateTime<Utc>,
    rooms: &[Room],
) -> Result<Vec<Ready>, DbError> {
    const PICK: &str = "\
        WITH picked AS MATERIALIZED ( \
            SELECT due.id FROM unnest($1, $2, $3) AS a (queue, priority, room) \
            CROSS JOIN LATERAL ( \
                SELECT j.id FROM jobs j \
                WHERE j.queue = a.queue AND j.priority = a.priority AND j.state IN ('scheduled', 'available') \
                    AND j.dispatched_at IS NULL AND j.run_at <= $4 AND (j.state = 'scheduled' OR j.run_at < $5) \
                ORDER BY j.run_at LIMIT a.room FOR NO KEY UPDATE SKIP LOCKED) due \
            WHERE NOT EXISTS (SELECT 1 FROM queues q WHERE q.name = a.queue AND q.paused_at IS NOT NULL)), \
        marked AS ( \
            UPDATE jobs j SET state = 'available', dispatched_at = $4 FROM picked WHERE j.id = picked.id \
            RETURNING j.id, j.queue, j.priority, j.run_at) \
        SELECT id, queue, priority FROM marked ORDER BY run_at, id";
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let (queues, levels, room) = columns(rooms);
    Ok(sql(PICK)
        .bind::<Array<Text>, _>(queues)
        .bind::<Array<SmallInt>, _>(levels)
        .bind::<Array<BigInt>, _>(room)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(pushed_before)
        .get_results(connection)
        .await?)
}

/// Marks jobs whose push failed as not dispatched.
pub async fn take_back(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<usize, DbError> {
    const TAKE_BACK: &str = "\
        WITH locked AS MATERIALIZED ( \
            SELECT j.id FROM jobs j WHERE j.id = ANY($1) AND j.state = 'available' ORDER BY j.id FOR NO KEY UPDATE) \
        UPDATE jobs j SET dispatched_at = NULL FROM locked WHERE j.id = locked.id AND j.state = 'available'";
    Ok(sql(TAKE_BACK).bind::<Array<SqlUuid>, _>(ids).execute(connection).await?)
}

/// Has jobs that were dispatched before `before` and are still unclaimed pushed again, at most as many as there is room
/// for; answers how many. Redis may have lost its last second, or a worker may have died between taking and claiming.
pub async fn sweep(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    rooms: &[Room],
) -> Result<usize, DbError> {
    const SWEEP: &str = "\
        WITH lost AS MATERIALIZED ( \
            SELECT old.id FROM unnest($1, $2, $3) AS a (queue, priority, room) \
            CROSS JOIN LATERAL ( \
                SELECT j.id FROM jobs j \
                WHERE j.state = 'available' AND j.dispatched_at < $4 \
                    AND j.queue = a.queue AND j.priority = a.priority \
                ORDER BY j.dispatched_at LIMIT a.room FOR NO KEY UPDATE SKIP LOCKED) old \
            WHERE NOT EXISTS (SELECT 1 FROM queues q WHERE q.name = a.queue AND q.paused_at IS NOT NULL)) \
        UPDATE jobs j SET dispatched_at = NULL FROM lost WHERE j.id = lost.id";
    if rooms.is_empty() {
        return Ok(0);
    }
    let (queues, levels, room) = columns(rooms);
    Ok(sql(SWEEP)
        .bind::<Array<Text>, _>(queues)
        .bind::<Array<SmallInt>, _>(levels)
        .bind::<Array<BigInt>, _>(room)
        .bind::<Timestamptz, _>(before)
        .execute(connection)
        .await?)
}

fn columns(rooms: &[Room]) -> (Vec<&str>, Vec<i16>, Vec<i64>) {
    let queues = rooms.iter().map(|room| room.queue.as_str()).collect();
    let levels = rooms.iter().map(|room| room.priority).collect();
    (queues, levels, rooms.iter().map(|room| room.room.max(0)).collect())
}
