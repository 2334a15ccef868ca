//! The outcome of a run is a decision, not an exception.

use chrono::{DateTime, Utc};
use schema::DbError;
use serde::Serialize;
use std::time::Duration;

/// A run that did not fail says what is to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Done; the value is the job's result.
    Done(serde_json::Value),
    /// Not now: run again at that time. Not an attempt.
    Snooze {
        /// Not before.
        until: DateTime<Utc>,
        /// Shown to whoever asks why nothing happens.
        reason: String,
    },
    /// It stopped because it was asked to.
    Cancelled,
}

impl Decision {
    /// Done, with nothing to tell.
    pub fn done() -> Self {
        Self::Done(serde_json::Value::Null)
    }

    /// Done, with a result; a result that cannot be written as JSON is told as such.
    pub fn done_with<T: Serialize>(result: &T) -> Self {
        Self::Done(
            serde_json::to_value(result).unwrap_or_else(|error| serde_json::json!({"unwritable": error.to_string()})),
        )
    }
}

/// The cause behind a failed run.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A run failed, and this is what is to be done about it.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Worth another attempt after the policy's wait, or after `after`.
    #[error("{source}")]
    Retry {
        /// What happened.
        source: Cause,
        /// The wait, if not the policy's.
        after: Option<Duration>,
    },
    /// No attempt can succeed.
    #[error("{source}")]
    Discard {
        /// What happened.
        source: Cause,
    },
}

impl JobError {
    /// Try again by the policy.
    pub fn retry(source: impl Into<Cause>) -> Self {
        Self::Retry { source: source.into(), after: None }
    }

    /// Try again after a given time.
    pub fn retry_after(source: impl Into<Cause>, after: Duration) -> Self {
        Self::Retry { source: source.into(), after: Some(after) }
    }

    /// Give up for good.
    pub fn discard(source: impl Into<Cause>) -> Self {
        Self::Discard { source: source.into() }
    }
}

impl From<DbError> for JobError {
    /// The database is tried again whatever was wrong: what is permanent runs out of attempts.
    fn from(error: DbError) -> Self {
        Self::retry(error)
    }
}
