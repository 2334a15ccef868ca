//! What people ask of ladders, with the job that follows from it, in the caller's transaction.
//!
//! After commit the caller hands what was enqueued to the dispatcher; when it cannot, the relay does.

use crate::{
    campaigns::request::audience_of,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use schema::{
    AsyncPgConnection, DbError,
    sequences::{self, NewSequence},
};

/// Writes a ladder, and has it begin unless it is a draft. Answers its number.
pub async fn create(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    new: &NewSequence,
) -> Result<(i64, Vec<Enqueued>), DbError> {
    let id = sequences::insert(connection, new, now).await?;
    sequences::replace(connection, id, &new.steps).await?;
    let follows = if new.draft { Vec::new() } else { vec![audience_of(id, new.created_by)?] };
    Ok((id, ledger::enqueue(connection, now, &follows).await?))
}
