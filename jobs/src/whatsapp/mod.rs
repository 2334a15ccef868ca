//! What a WhatsApp business account has: templates and flows, and what is thought of its numbers.
//!
//! Without an account the sandbox stands in: it approves and publishes whatever passes our own checks.

pub mod flows;
pub mod numbers;
pub mod templates;

use crate::{JobContext, JobError, NewJob};
use domain::messaging::{FailureClass, SendFailure};
use schema::{DbError, QueryError};

/// What a failed call means for the job: `Ok` is for good, with the reason; `Err` is tried again.
fn settled(failure: SendFailure, context: &JobContext) -> Result<String, JobError> {
    let for_good = matches!(failure.class, FailureClass::Request | FailureClass::Template | FailureClass::Recipient);
    if for_good || context.is_last_attempt() {
        return Ok(failure.to_string());
    }
    match failure.class.wait() {
        Some(wait) => Err(JobError::retry_after(failure, wait)),
        None => Err(JobError::retry(failure)),
    }
}

fn job<J: crate::Job>(job: &J) -> Result<NewJob, DbError> {
    NewJob::of(job).map_err(|error| DbError::Query(QueryError::SerializationError(Box::new(error))))
}
