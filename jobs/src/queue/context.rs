//! What a run is given: the services, who it is, and ways to tell its progress and to hear that it should stop.

use super::new_job::NewJob;
use crate::services::SharedServices;
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How far a run has come; written to the ledger with the next heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: i64,
    /// Units in all, once known.
    pub total: Option<i64>,
    /// What it is busy with.
    pub note: Option<String>,
}

/// The latest progress of one run, shared with its heartbeat.
#[derive(Debug, Clone, Default)]
pub struct ProgressCell(Arc<Mutex<Option<Progress>>>);

impl ProgressCell {
    /// Replaces what has not been written yet.
    pub fn set(&self, progress: Progress) {
        if let Ok(mut cell) = self.0.lock() {
            *cell = Some(progress);
        }
    }

    /// Takes what has not been written yet.
    pub fn take(&self) -> Option<Progress> {
        self.0.lock().ok().and_then(|mut cell| cell.take())
    }
}

/// The jobs that follow a run, shared with whoever records its end.
#[derive(Debug, Clone, Default)]
pub struct Successors(Arc<Mutex<Vec<NewJob>>>);

impl Successors {
    /// Adds one.
    pub fn add(&self, job: NewJob) {
        if let Ok(mut jobs) = self.0.lock() {
            jobs.push(job);
        }
    }

    /// Takes all.
    pub fn take(&self) -> Vec<NewJob> {
        self.0.lock().map(|mut jobs| std::mem::take(&mut *jobs)).unwrap_or_default()
    }
}

/// One run of one job.
#[derive(Clone)]
pub struct JobContext {
    /// The services of the process.
    pub services: SharedServices,
    /// The job.
    pub id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// After how many attempts the job is discarded.
    pub max_attempts: i32,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// Cancelled when the run should stop: shutdown, cancellation, a lost lease.
    pub stopping: CancellationToken,
    /// Where progress goes.
    pub progress: ProgressCell,
    /// What follows.
    pub successors: Successors,
}

impl JobContext {
    /// Has a job enqueued in the transaction that records this run as done, if it is: there is never both or neither.
    /// It may have this job's unique key.
    pub fn then(&self, job: NewJob) {
        self.successors.add(job);
    }

    /// Tells how far the run has come.
    pub fn report(&self, done: i64, total: Option<i64>, note: impl Into<Option<String>>) {
        self.progress.set(Progress { done, total, note: note.into() });
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }

    /// Whether a failure now would be the last.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }
}
