//! The life of a campaign: asked for, prepared, sent, measured.
//!
//! Each step is a job that enqueues the next in the transaction that finishes it, so a campaign is never without the
//! job it needs; [`sweep`] finds what fell out all the same. Whatever changes a campaign's status is one compare-and-set
//! of `schema`, so steps, people and schedulers cannot overwrite each other.

pub mod lanes;
pub mod request;

use crate::{Job, NewJob};
use schema::{DbError, QueryError};

/// A job about to be enqueued.
pub(crate) fn job<J: Job>(job: &J) -> Result<NewJob, DbError> {
    NewJob::of(job).map_err(|error| DbError::Query(QueryError::SerializationError(Box::new(error))))
}
