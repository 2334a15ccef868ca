//! The pieces become one file, in the store as well: streamed from one object to the other.
//!
//! Two callers who complete at once both put the file together; one of them records it, the other gives the same
//! answer. What is no book of policies, or not the file that was announced, ends the upload.

use super::{abandon, remove};
use crate::{
    auth::SignedIn,
    error::{ApiError, ApiResult},
    state::SharedState,
    uploads::{
        incoming::{self, Incoming},
        piece, record,
        view::Submitted,
    },
};
use bytes::Bytes;
use domain::{
    ids::{UploadId, UserId},
    permissions::Reach,
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jobs::{
    kinds::parse_upload::ParseUpload,
    queue::{admin, dispatch::Enqueued},
};
use poem::http::{HeaderValue, StatusCode};
use providers::storage::{Storage, StorageError};
use schema::{
    AsyncConnection,
    audit::{self, Actor, Entity},
    uploads::{
        chunked::{self, Piece, Receiving, Whole},
        file,
    },
};
use serde_json::json;
use uuid::Uuid;

/// Who completes it, and what they reach.
struct By {
    user: UserId,
    reach: Reach,
    actor: Actor,
}

/// Puts the pieces together, and has the file read.
pub async fn complete(state: &SharedState, upload: Receiving, caller: &SignedIn, again: bool) -> ApiResult<Submitted> {
    let by = By { user: caller.user_id, reach: caller.reach, actor: caller.actor() };
    let id = UploadId(upload.id);
    if upload.upload_status != "receiving" {
        return answer_again(state, by.reach, &upload).await;
    }
    let pieces = {
        let mut connection = state.services.db.get().await?;
        chunked::pieces(&mut connection, id).await?
    };
    let received = pieces.last().map_or(0, |piece| piece.chunk_offset + piece.size);
    if received != upload.file_size {
        return Err(incomplete(&upload, received));
    }
    let limit = u64::try_from(upload.file_size).map_err(ApiError::internal)?;
    let whole = Box::pin(joined(state.services.storage.clone(), pieces.clone()));
    let incoming = match incoming::keep(state, whole, limit).await {
        Ok(incoming) => incoming,
        Err(error) if error.http_status().is_client_error() => {
            abandon(state, id, &error.to_string(), &by.actor).await?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if let Some(announced) = upload.sha256.as_deref().filter(|hash| *hash != incoming.stored.sha256) {
        let message = format!("the file that came in is not the one announced: its SHA-256 is not {announced}");
        incoming.kept.remove().await;
        abandon(state, id, "the file that came in was not the one announced", &by.actor).await?;
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "checksum_mismatch", message));
    }
    let state = SharedState::clone(state);
    record::unhurried(async move { recorded(&state, upload, incoming, pieces, by, again).await }).await
}

/// Makes the file the upload's own, and tells the workers.
async fn recorded(
    state: &SharedState,
    upload: Receiving,
    incoming: Incoming,
    pieces: Vec<Piece>,
    by: By,
    again: bool,
) -> ApiResult<Submitted> {
    let (id, job) = (UploadId(upload.id), Uuid::now_v7());
    let outcome = write(state, &upload, &incoming, job, &by, again).await;
    let Incoming { kept, stored, file_type } = incoming;
    if let Ok(None) = outcome {
        // another request was faster
        kept.remove().await;
        let upload = {
            let mut connection = state.services.db.get().await?;
            chunked::find(&mut connection, by.reach, id).await?.ok_or_else(|| ApiError::not_found("upload"))?
        };
        return answer_again(state, by.reach, &upload).await;
    }
    let known = async { Ok(admin::get(&state.services, job).await?.is_some()) };
    let enqueued = record::settle(kept, outcome, known).await?;
    state.services.dispatcher.push(enqueued.as_slice()).await;
    remove(state, pieces).await;
    Ok(Submitted::new(id, upload.filename, job, upload.dry_run, stored.size, file_type))
}

/// `None`: somebody else has completed it meanwhile.
async fn write(
    state: &SharedState,
    upload: &Receiving,
    incoming: &Incoming,
    job: Uuid,
    by: &By,
    again: bool,
) -> ApiResult<Option<Enqueued>> {
    let id = UploadId(upload.id);
    let mut connection = state.services.db.get().await?;
    connection
        .transaction::<_, ApiError, _>(async |connection| {
            if piece::hold(connection, id).await?.upload_status != "receiving" {
                return Ok(None);
            }
            if !upload.dry_run && !again {
                record::refuse_duplicate(connection, by.reach, &incoming.stored.sha256).await?;
            }
            let whole = Whole {
                sha256: &incoming.stored.sha256,
                file_type: incoming.file_type,
                path: incoming.kept.key(),
                job,
            };
            chunked::assemble(connection, id, &whole).await?;
            let after = json!({"sha256": whole.sha256, "fileType": whole.file_type, "fileSize": upload.file_size});
            audit::record(connection, &[by.actor.entry("upload.completed", Entity::of(id)).after(after)]).await?;
            Ok(Some(record::enqueue(connection, state, &ParseUpload { upload: id.0 }, job, by.user).await?))
        })
        .await
}

/// What completing answered the first time; 409 if it was not completed but ended.
async fn answer_again(state: &SharedState, reach: Reach, upload: &Receiving) -> ApiResult<Submitted> {
    let id = UploadId(upload.id);
    let mut connection = state.services.db.get().await?;
    let row = file::find(&mut connection, reach, id).await?.ok_or_else(|| ApiError::not_found("upload"))?;
    match (upload.upload_status.as_str(), row.job_id) {
        ("processing" | "completed", Some(job)) => {
            let size = u64::try_from(row.file_size).map_err(ApiError::internal)?;
            Ok(Submitted::new(id, row.filename, job, row.dry_run, size, &row.file_type))
        }
        _ => Err(piece::not_receiving(upload)),
    }
}

fn incomplete(upload: &Receiving, received: i64) -> ApiError {
    let message = format!("{received} of {} bytes have come in", upload.file_size);
    let details = serde_json::json!({"uploadId": UploadId(upload.id), "offset": received, "size": upload.file_size});
    ApiError::conflict("upload_incomplete", message)
        .with_details(details)
        .with_header(piece::UPLOAD_OFFSET, HeaderValue::from(received))
}

/// The pieces' contents, one after the other.
fn joined(storage: Storage, pieces: Vec<Piece>) -> impl Stream<Item = Result<Bytes, StorageError>> + Send {
    stream::iter(pieces)
        .then(move |piece| {
            let storage = storage.clone();
            async move { storage.get_stream(&piece.path).await.map(|reading| reading.content) }
        })
        .try_flatten()
        .boxed()
}
