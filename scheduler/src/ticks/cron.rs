//! Recurring jobs: enqueues what is due, once, however many schedulers run.
//!
//! The fire and the job are one transaction: what is fired is enqueued, and what is enqueued was fired by nobody else.
//! Fires missed while nothing ran become one. A schedule that cannot be read is switched off and logged.

use crate::{Next, TickError};
use chrono::{DateTime, Utc};
use domain::timetable::{Timetable, TimetableError};
use jobs::{
    NewJob, Priority,
    kinds::registry::Registry,
    queue::{dispatch::Enqueued, ledger},
    services::Services,
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    schedules::{self, Advance, DueSchedule},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Schedules fired in one transaction.
const BATCH: i64 = 100;

/// Fires what is due.
pub async fn tick(services: &Services, registry: &Registry) -> Result<Next, TickError> {
    let seen = fire_due(services, registry).await?;
    Ok(if i64::try_from(seen).unwrap_or(i64::MAX) < BATCH { Next::InTime } else { Next::AtOnce })
}

/// Fires at most a batch of what is due; how many schedules it looked at.
pub async fn fire_due(services: &Services, registry: &Registry) -> Result<usize, DbError> {
    let now = services.clock.now();
    let kinds: Vec<&str> = registry.names().collect();
    let mut connection = services.db.get().await?;
    let due = schedules::due(&mut connection, now, &kinds, BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let advances: Vec<Advance> = due.iter().map(|schedule| advance(schedule, now)).collect();
    let jobs = due.iter().zip(&advances).filter(|(_, advance)| advance.fires);
    let jobs: HashMap<i64, NewJob> =
        jobs.filter_map(|(schedule, _)| Some((schedule.id, job(schedule, registry)?))).collect();
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| fire(connection, now, &advances, jobs).await)
        .await?;
    drop(connection);
    services.dispatcher.push(&enqueued).await;
    Ok(due.len())
}

async fn fire(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    advances: &[Advance],
    mut jobs: HashMap<i64, NewJob>,
) -> Result<Vec<Enqueued>, DbError> {
    let won = schedules::advance(connection, now, advances).await?;
    let (ids, jobs): (Vec<i64>, Vec<NewJob>) = won.iter().filter_map(|id| Some((*id, jobs.remove(id)?))).unzip();
    let enqueued = ledger::enqueue(connection, now, &jobs).await?;
    let made: Vec<_> = ids.into_iter().zip(enqueued.iter().map(|enqueued| enqueued.id)).collect();
    if !made.is_empty() {
        schedules::record_jobs(connection, &made).await?;
    }
    Ok(enqueued)
}

/// Where a schedule goes from here. One that has just been made or changed only gets its time.
fn advance(schedule: &DueSchedule, now: DateTime<Utc>) -> Advance {
    let (next, readable) = match Timetable::parse(&schedule.cron, &schedule.time_zone, now) {
        Ok(timetable) => (timetable.next_after(now), true),
        // this was its last time
        Err(TimetableError::Never(_)) => (None, true),
        Err(error) => {
            tracing::error!(schedule = schedule.name, %error, "switched off: its times cannot be read");
            (None, false)
        }
    };
    let fires = readable && schedule.next_fire_at.is_some();
    Advance { id: schedule.id, seen: schedule.next_fire_at, next, fires }
}

/// The job of one fire. While an earlier one is alive it stands for this one too.
fn job(schedule: &DueSchedule, registry: &Registry) -> Option<NewJob> {
    let kind = registry.find(&schedule.kind)?;
    Some(NewJob {
        id: Uuid::now_v7(),
        kind: kind.name,
        queue: kind.queue,
        priority: Priority::Default,
        payload: schedule.payload.clone(),
        run_at: None,
        max_attempts: kind.policy.max_attempts,
        unique_key: Some(format!("schedule:{}", schedule.id)),
        parent: None,
        waits_for: None,
        created_by: schedule.created_by,
        wakes: false,
    })
}
