//! A job about to be enqueued: what kind, with which payload, when, and for whom.

use super::job::{Job, Policy, Priority, Queue};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A row of the ledger to be.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// UUIDv7, so that ids order by time.
    pub id: Uuid,
    /// Wire name of the kind.
    pub kind: &'static str,
    /// Which workers run it.
    pub queue: Queue,
    /// Which stream carries it.
    pub priority: Priority,
    /// The kind's struct as JSON.
    pub payload: serde_json::Value,
    /// Not before; `None`: at once.
    pub run_at: Option<DateTime<Utc>>,
    /// Attempts before it is discarded.
    pub max_attempts: i32,
    /// One alive at a time.
    pub unique_key: Option<String>,
    /// Whose child it is.
    pub parent: Option<Uuid>,
    /// Becomes available when all children of that job are done.
    pub waits_for: Option<Uuid>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// Wakes the living job that shares its unique key.
    pub wakes: bool,
}

impl NewJob {
    /// A job of default priority, to run at once. Fails if the payload cannot be written as JSON.
    pub fn of<J: Job>(job: &J) -> Result<Self, serde_json::Error> {
        let Policy { max_attempts, .. } = J::POLICY;
        Ok(Self {
            id: Uuid::now_v7(),
            kind: J::KIND,
            queue: J::QUEUE,
            priority: Priority::Default,
            payload: serde_json::to_value(job)?,
            run_at: None,
            max_attempts,
            unique_key: job.unique_key(),
            parent: None,
            waits_for: None,
            created_by: None,
            wakes: false,
        })
    }

    /// At another priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Not before that time.
    #[must_use]
    pub fn at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// For other workers than the kind's own: a kind that sends goes to those of its channel.
    #[must_use]
    pub fn on(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// As a child of that job.
    #[must_use]
    pub fn child_of(mut self, parent: Uuid) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Once all children of that job are done; enqueue it with them, in one transaction.
    #[must_use]
    pub fn after_children_of(mut self, parent: Uuid) -> Self {
        self.waits_for = Some(parent);
        self
    }

    /// Where a job with the same unique key sleeps for longer than this one would wait, that one runs at once: what it
    /// sleeps for has come about. One that runs just now may have looked already, and runs once more.
    #[must_use]
    pub fn waking(mut self) -> Self {
        self.wakes = true;
        self
    }

    /// On behalf of that user.
    #[must_use]
    pub fn created_by(mut self, user: Option<i64>) -> Self {
        self.created_by = user;
        self
    }
}
