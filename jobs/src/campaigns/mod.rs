//! The life of a campaign: asked for, prepared, sent, measured.
//!
//! Each step is a job that enqueues the next in the transaction that finishes it, so a campaign is never without the
//! job it needs; [`sweep`] finds what fell out all the same. Whatever changes a campaign's status is one compare-and-set
//! of `schema`, so steps, people and schedulers cannot overwrite each other.

pub mod analytics;
pub(crate) mod approval;
pub mod audience;
pub mod check;
pub mod conversions;
mod due;
pub mod forecast;
pub mod lanes;
pub(crate) mod news;
pub mod request;
pub mod retry;
pub mod start;
pub mod stop;
mod sweep;
pub(crate) mod texts;
pub mod winner;

pub use due::{DUE_BATCH, RECURRING_BATCH, fire_due, fire_recurring};
pub use sweep::sweep;

use crate::{Job, NewJob};
use schema::{DbError, QueryError};

/// A job about to be enqueued.
pub(crate) fn job<J: Job>(job: &J) -> Result<NewJob, DbError> {
    NewJob::of(job).map_err(|error| DbError::Query(QueryError::SerializationError(Box::new(error))))
}
