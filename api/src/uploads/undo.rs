//! `POST /api/upload/undo/{id}`: takes back what an upload wrote, while nobody has acted on it.
//!
//! What stands in the way is told at once where it is known; the job looks again, and gives the undo up if it finds
//! something.

use super::{find, record, view};
use crate::{
    auth::{Guard, permit},
    envelope::{Accepted, accepted},
    error::{ApiError, ApiResult},
    request::{Id, Name},
    state::SharedState,
    tags::Tag,
};
use domain::{ids::UploadId, upload::UploadStatus};
use jobs::{kinds::undo_upload::UndoUpload, queue::dispatch::Enqueued};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    uploads::undo::{self, Obstacle},
};
use uuid::Uuid;

/// Undoing.
pub struct UndoApi;

/// An upload whose effect is being taken back.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Undoing {
    /// The upload.
    upload_id: Id<UploadId>,
    /// `undoing`.
    status: Name<UploadStatus>,
    /// Takes it back.
    job_id: Uuid,
}

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl UndoApi {
    /// Undo an upload
    ///
    /// All of it or nothing. 409 `upload_acted_on` names what has been done with it since; 409 `upload_not_undoable` if
    /// there is nothing to undo, or not yet.
    #[oai(path = "/undo/:id", method = "post")]
    async fn undo(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsUndo>,
        id: Path<Id<UploadId>>,
    ) -> ApiResult<Accepted<Undoing>> {
        let id = id.0.0;
        let upload = find(&state, caller.reach, id).await?;
        refuse_by_status(id, view::status(&upload)?, upload.dry_run)?;
        let obstacles = undo::obstacles(&state.services.db, id).await?;
        if !obstacles.is_empty() {
            return Err(acted_on(&obstacles));
        }
        let job = Uuid::now_v7();
        let mut connection = state.services.db.get().await?;
        let enqueued: Enqueued = connection
            .transaction::<_, ApiError, _>(async |connection| {
                if !undo::request(connection, id, job).await? {
                    return Err(not_undoable("the upload has changed meanwhile; look again"));
                }
                let enqueued =
                    record::enqueue(connection, &state, &UndoUpload { upload: id.0 }, job, caller.user_id).await?;
                if enqueued.existed {
                    return Err(not_undoable("the upload is being undone already"));
                }
                let entry = caller.entry("upload.undone", Entity::of(id)).after(serde_json::json!({"jobId": job}));
                audit::record(connection, &[entry]).await?;
                Ok(enqueued)
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(&[enqueued]).await;
        accepted(Undoing { upload_id: Id(id), status: Name(UploadStatus::Undoing), job_id: job })
    }
}

fn refuse_by_status(id: UploadId, status: UploadStatus, dry_run: bool) -> ApiResult<()> {
    match status {
        _ if dry_run => Err(not_undoable("a dry run wrote nothing that could be undone")),
        UploadStatus::Receiving => Err(not_undoable("the file has not come in to its end; give it up instead")),
        UploadStatus::Processing => {
            Err(not_undoable(format!("{id} is being read; cancel its job first, or wait for its end")))
        }
        UploadStatus::Undoing => Err(not_undoable("the upload is being undone already")),
        UploadStatus::Undone => Err(not_undoable("the upload was undone before")),
        UploadStatus::Completed | UploadStatus::Failed | UploadStatus::Cancelled => Ok(()),
    }
}

fn not_undoable(message: impl Into<String>) -> ApiError {
    ApiError::conflict("upload_not_undoable", message)
}

fn acted_on(obstacles: &[Obstacle]) -> ApiError {
    let told = obstacles.iter().map(|obstacle| format!("{} {}", obstacle.count, obstacle.what)).collect::<Vec<_>>();
    let message = format!("the upload can no longer be undone: there are {}", told.join(", "));
    let details = obstacles.iter().map(|obstacle| serde_json::json!({"what": obstacle.what, "count": obstacle.count}));
    let details = serde_json::json!({"obstacles": details.collect::<Vec<_>>()});
    ApiError::conflict("upload_acted_on", message).with_details(details)
}
