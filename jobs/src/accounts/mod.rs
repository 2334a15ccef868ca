//! Mails to the holders of accounts: links that choose passwords, and notices of what happened.
//!
//! Tokens never travel in payloads: the job that sends the mail makes them.

pub mod letter;
mod look_up;
mod send;

pub use look_up::look_up;
pub use send::send;

use crate::{
    Job, NewJob, Priority,
    kinds::send_account_mail::SendAccountMail,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::{ids::UserId, sign_in::AccountMail};
use schema::{AsyncPgConnection, DbError, QueryError};

/// A job of this family: a person waits for it.
pub(crate) fn job<J: Job>(job: &J) -> Result<NewJob, DbError> {
    let job = NewJob::of(job).map_err(|error| DbError::Query(QueryError::SerializationError(Box::new(error))))?;
    Ok(job.priority(Priority::High))
}

/// Has somebody told of something, in the caller's transaction; `event` is what happened, if it is on record.
///
/// After commit the answer may go to the dispatcher; the relay finds it in any case.
pub async fn notice(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    user: UserId,
    purpose: AccountMail,
    event: Option<i64>,
) -> Result<Enqueued, DbError> {
    let job = job(&SendAccountMail { user_id: user, purpose, event_id: event })?;
    let enqueued = ledger::enqueue(connection, now, &[job]).await?;
    enqueued.into_iter().next().ok_or(DbError::Query(QueryError::NotFound))
}
