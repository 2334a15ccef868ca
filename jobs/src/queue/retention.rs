//! Retention: what is finished and old is deleted, in batches, until none is left. The audit log is kept for ever.

use crate::process::config::RetentionConfig;
use crate::services::Services;
use chrono::TimeDelta;
use schema::DbError;
use schema::ledger::retention::{self, Prunable};
use std::time::Duration;

/// Rows deleted by one statement.
const BATCH: i64 = 5_000;
/// Sessions deleted by one statement: up to a thousand refresh tokens go with each.
const SESSION_BATCH: i64 = 100;

/// Throughput is shown for an hour and kept for a week.
const QUEUE_MINUTES: Duration = Duration::from_secs(7 * 24 * 3600);

/// A request may be repeated with its Idempotency-Key for this long.
const IDEMPOTENCY_KEYS: Duration = Duration::from_secs(24 * 3600);

/// A worker that vanished is forgotten after this long.
const WORKERS: Duration = Duration::from_secs(3600);

/// Ended sessions are shown to whoever looks into an incident.
const SESSIONS: Duration = Duration::from_secs(30 * 24 * 3600);

/// What has expired, or was asked for, is of no use the day after.
const EXPIRED: Duration = Duration::from_secs(24 * 3600);

/// What happened to accounts is kept for a year and a month.
const SECURITY_EVENTS: Duration = Duration::from_secs(400 * 24 * 3600);

/// Suppressions that have expired say for a while why somebody was left alone.
const SUPPRESSIONS: Duration = Duration::from_secs(30 * 24 * 3600);

/// Deletes what is older than `keep` says; answers how many rows of what. To be called every few minutes.
pub async fn prune(services: &Services, keep: &RetentionConfig) -> Result<Vec<(Prunable, usize)>, DbError> {
    let mut pruned = Vec::new();
    for what in Prunable::ALL {
        let age = match what {
            Prunable::FinishedJobs => keep.finished_jobs,
            Prunable::DiscardedJobs => keep.discarded_jobs,
            Prunable::AppliedEvents => keep.applied_events,
            Prunable::QueueMinutes => QUEUE_MINUTES,
            Prunable::IdempotencyKeys => IDEMPOTENCY_KEYS,
            Prunable::Workers => WORKERS,
            Prunable::Sessions => SESSIONS,
            Prunable::AccountTokens | Prunable::LoginChallenges | Prunable::OidcLogins | Prunable::ResetRequests => {
                EXPIRED
            }
            Prunable::SecurityEvents => SECURITY_EVENTS,
            Prunable::Suppressions => SUPPRESSIONS,
        };
        pruned.push((what, prune_all(services, what, age).await?));
    }
    Ok(pruned)
}

async fn prune_all(services: &Services, what: Prunable, age: Duration) -> Result<usize, DbError> {
    let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
    let Some(before) = services.clock.now().checked_sub_signed(age) else { return Ok(0) };
    let batch = if what == Prunable::Sessions { SESSION_BATCH } else { BATCH };
    let mut total = 0;
    loop {
        let deleted = retention::prune(&mut *services.db.get().await?, what, before, batch).await?;
        total += deleted;
        if i64::try_from(deleted).unwrap_or(i64::MAX) < batch {
            return Ok(total);
        }
    }
}
