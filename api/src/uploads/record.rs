//! A stored file becomes an upload: its row and the job that reads it, in one transaction.
//!
//! Done in a task of its own, so that a caller who hangs up does not cut it in two. A commit that was not answered may
//! have happened all the same: then the object stays.

use super::{incoming::Incoming, kept::Kept, metadata::Described, view::Submitted};
use crate::{
    error::{ApiError, ApiResult},
    state::SharedState,
};
use domain::{
    ids::{UploadId, UserId},
    permissions::Reach,
    upload::{given_file_name, shown_file_name},
};
use jobs::{
    Job, NewJob,
    kinds::parse_upload::ParseUpload,
    queue::{admin, dispatch::Enqueued, ledger},
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Actor, Entity},
    uploads::file::{self, NewUpload},
};
use serde_json::{Value, json};
use std::future::Future;
use tracing::Instrument;
use uuid::Uuid;

/// Who submits a file, and how.
#[derive(Debug)]
pub struct Submission {
    /// The uploader.
    pub user: UserId,
    /// The same, for the audit log.
    pub actor: Actor,
    /// Their office.
    pub branch: Option<i64>,
    /// What they reach.
    pub reach: Reach,
    /// What they call the file.
    pub file_name: String,
    /// What they say about it.
    pub described: Described,
    /// Whether it is only to be tried.
    pub dry_run: bool,
    /// Whether it may be a file that is known already.
    pub again: bool,
}

/// Records the file, and tells the workers.
pub async fn record(state: &SharedState, incoming: Incoming, submission: Submission) -> ApiResult<Submitted> {
    let state = SharedState::clone(state);
    unhurried(async move {
        let job = Uuid::now_v7();
        let outcome = write(&state, &incoming, &submission, job).await;
        let Incoming { kept, stored, file_type } = incoming;
        let known = async { Ok(admin::get(&state.services, job).await?.is_some()) };
        let (id, enqueued) = settle(kept, outcome, known).await?;
        state.services.dispatcher.push(&[enqueued]).await;
        let name = shown_file_name(&submission.file_name);
        Ok(Submitted::new(id, name, enqueued.id, submission.dry_run, stored.size, file_type))
    })
    .await
}

/// Runs to its end, whatever becomes of the caller.
pub async fn unhurried<T: Send + 'static>(work: impl Future<Output = ApiResult<T>> + Send + 'static) -> ApiResult<T> {
    tokio::spawn(work.in_current_span()).await.map_err(ApiError::internal)?
}

/// Hands the object over if the outcome refers to it, and removes it if not. `known`: whether it is referred to all the
/// same, for an outcome that may have been cut short.
pub async fn settle<T>(
    kept: Kept,
    outcome: ApiResult<T>,
    known: impl Future<Output = ApiResult<bool>>,
) -> ApiResult<T> {
    match outcome {
        Ok(done) => {
            kept.hand_over();
            Ok(done)
        }
        Err(error) if error.http_status().is_server_error() && known.await.unwrap_or(true) => {
            tracing::warn!(key = kept.key(), "an object stays: whether it is referred to is not known");
            kept.hand_over();
            Err(error)
        }
        Err(error) => {
            kept.remove().await;
            Err(error)
        }
    }
}

async fn write(
    state: &SharedState,
    incoming: &Incoming,
    submission: &Submission,
    job: Uuid,
) -> ApiResult<(UploadId, Enqueued)> {
    let size = i64::try_from(incoming.stored.size).map_err(ApiError::internal)?;
    let (filename, original) = (shown_file_name(&submission.file_name), given_file_name(&submission.file_name));
    let row = NewUpload {
        filename: &filename,
        original_filename: &original,
        file_size: size,
        file_type: incoming.file_type,
        sha256: Some(&incoming.stored.sha256),
        description: submission.described.description.as_deref(),
        upload_status: "processing",
        dry_run: submission.dry_run,
        options: submission.described.options.as_ref(),
        uploaded_by: Some(submission.user.0),
        branch_id: submission.branch,
        scope: submission.reach.scope().as_str(),
        upload_path: Some(incoming.kept.key()),
        job_id: Some(job),
    };
    let mut connection = state.services.db.get().await?;
    connection
        .transaction::<_, ApiError, _>(async |connection| {
            if !submission.dry_run && !submission.again {
                refuse_duplicate(connection, submission.reach, &incoming.stored.sha256).await?;
            }
            let id = file::insert(connection, &row).await?;
            audit::record(connection, &[submission.actor.entry("upload.created", Entity::of(id)).after(told(&row))])
                .await?;
            let parse = ParseUpload { upload: id.0 };
            Ok((id, enqueue(connection, state, &parse, job, submission.user).await?))
        })
        .await
}

/// A file as the audit log keeps it.
pub fn told(row: &NewUpload<'_>) -> Value {
    json!({
        "filename": row.filename, "fileSize": row.file_size, "fileType": row.file_type, "sha256": row.sha256,
        "dryRun": row.dry_run,
    })
}

/// 409 if a file of the same bytes that they may know of stands in the book or is on its way there.
pub async fn refuse_duplicate(connection: &mut AsyncPgConnection, reach: Reach, sha256: &str) -> ApiResult<()> {
    let Some(earlier) = file::same_file(connection, reach, sha256).await? else { return Ok(()) };
    let id = UploadId(earlier.id);
    let message = format!("this file was uploaded before, as {id}; send again=true to have it read once more");
    let details = serde_json::json!({
        "uploadId": id, "filename": earlier.filename, "status": earlier.status, "createdAt": earlier.created_at,
    });
    Err(ApiError::conflict("duplicate_upload", message).with_details(details))
}

/// Writes a job under an id that is known beforehand.
pub async fn enqueue<J: Job>(
    connection: &mut AsyncPgConnection,
    state: &SharedState,
    job: &J,
    id: Uuid,
    user: UserId,
) -> ApiResult<Enqueued> {
    let mut job = NewJob::of(job).map_err(ApiError::internal)?.created_by(Some(user.0));
    job.id = id;
    let enqueued = ledger::enqueue(connection, state.services.clock.now(), &[job]).await?;
    enqueued.into_iter().next().ok_or_else(|| ApiError::internal("nothing was enqueued"))
}
