//! `/api/upload/chunked`: a file in pieces, for connections that do not last.
//!
//! Announced, sent piece by piece, completed. Whoever lost their connection asks for the offset and goes on. What is
//! never completed is dropped by a job in time.

mod complete;

use super::{
    chunked_view::{Announced, Offset, Receiving},
    content, kept, offset,
    piece::{self, PieceBody},
    record,
    view::Submitted,
};
use crate::{
    auth::{Guard, Principal, permit},
    edge::limits::for_uploads,
    envelope::{Accepted, Created, Reply, accepted, created, ok},
    error::{ApiError, ApiResult},
    request::{Id, JsonBody},
    state::SharedState,
    tags::Tag,
};
use domain::{
    ids::UploadId,
    upload::{given_file_name, shown_file_name},
};
use futures_util::{StreamExt, stream};
use poem::web::Data;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use schema::{
    AsyncConnection,
    audit::{self, Actor, Entity},
    uploads::{
        chunked::{self, Piece, Receiving as Row},
        file::{self, NewUpload},
    },
};

/// Objects removed at once.
const REMOVALS: usize = 8;

/// Uploading in pieces.
pub struct ChunkedApi;

#[OpenApi(prefix_path = "/api/upload/chunked", tag = "Tag::Uploads")]
impl ChunkedApi {
    /// Announce a file in pieces
    ///
    /// Then send the pieces in order, and complete it. With `sha256`, 409 `duplicate_upload` comes before the file does.
    #[oai(path = "/", method = "post")]
    async fn announce(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        /// Tell what the file would do, and write none of it.
        #[oai(name = "dryRun")]
        dry_run: Query<Option<bool>>,
        /// Read it although it was uploaded before; say so again on completion.
        again: Query<Option<bool>>,
        body: JsonBody<Announced>,
    ) -> ApiResult<Created<Receiving>> {
        let JsonBody(mut announced) = body;
        announced.check(&state)?;
        let described = announced.metadata().checked(&state).await?;
        let sha256 = announced.sha256.as_ref().map(|hash| hash.to_ascii_lowercase());
        let (dry_run, again) = (dry_run.0.unwrap_or_default(), again.0.unwrap_or_default());
        let row = NewUpload {
            filename: &shown_file_name(&announced.filename),
            original_filename: &given_file_name(&announced.filename),
            file_size: announced.size,
            file_type: content::UNKNOWN,
            sha256: sha256.as_deref(),
            description: described.description.as_deref(),
            upload_status: "receiving",
            dry_run,
            options: described.options.as_ref(),
            uploaded_by: Some(caller.user_id.0),
            branch_id: caller.branch_id.map(|branch| branch.0),
            scope: caller.reach.scope().as_str(),
            upload_path: None,
            job_id: None,
        };
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                if let Some(hash) = sha256.as_deref().filter(|_| !dry_run && !again) {
                    record::refuse_duplicate(connection, caller.reach, hash).await?;
                }
                let id = file::insert(connection, &row).await?;
                let entry = caller.entry("upload.announced", Entity::of(id)).after(record::told(&row));
                audit::record(connection, &[entry]).await?;
                piece::hold(connection, id).await
            })
            .await?;
        created(Receiving::new(&row, 0)?)
    }

    /// Ask how much of a file has come in
    ///
    /// HEAD answers the same, in the header `Upload-Offset`.
    #[oai(path = "/:id", method = "get")]
    async fn offset(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        id: Path<Id<UploadId>>,
    ) -> ApiResult<Offset> {
        let row = own(&state, &caller, id.0.0).await?;
        let mut connection = state.services.db.get().await?;
        let received = match row.upload_status.as_str() {
            "receiving" => chunked::received(&mut connection, id.0.0).await?,
            "cancelled" => 0,
            _ => row.file_size,
        };
        Ok(Offset::of(Receiving::new(&row, received)?))
    }

    /// Send a piece of a file
    ///
    /// 409 `wrong_offset` tells where the next piece begins. A piece that breaks off counts for nothing.
    #[oai(path = "/:id", method = "put", transform = "for_uploads")]
    async fn send(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        id: Path<Id<UploadId>>,
        /// Where in the file the piece begins, in bytes.
        #[oai(name = "Upload-Offset")]
        upload_offset: Header<Option<i64>>,
        /// The same as `bytes first-last/size`.
        #[oai(name = "Content-Range")]
        content_range: Header<Option<String>>,
        body: PieceBody,
    ) -> ApiResult<Offset> {
        let row = own(&state, &caller, id.0.0).await?;
        let place = offset::read(upload_offset.0, content_range.0.as_deref(), row.file_size)?;
        let (row, received) = piece::take(&state, row, place, body.0, caller.actor()).await?;
        Ok(Offset::of(Receiving::new(&row, received)?))
    }

    /// Complete a file in pieces
    ///
    /// Puts the pieces together and has the file read. May be repeated: the answer is the same. 409
    /// `upload_incomplete` tells the offset; 415 and 422 `checksum_mismatch` end the upload.
    #[oai(path = "/:id/complete", method = "post", transform = "for_uploads")]
    async fn complete(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        id: Path<Id<UploadId>>,
        /// Read it although it was uploaded before.
        again: Query<Option<bool>>,
    ) -> ApiResult<Accepted<Submitted>> {
        let row = own(&state, &caller, id.0.0).await?;
        accepted(complete::complete(&state, row, &caller, again.0.unwrap_or_default()).await?)
    }

    /// Give up a file in pieces
    #[oai(path = "/:id", method = "delete")]
    async fn give_up(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        id: Path<Id<UploadId>>,
    ) -> ApiResult<Reply<Receiving>> {
        let row = own(&state, &caller, id.0.0).await?;
        if row.upload_status != "receiving" {
            return Err(piece::not_receiving(&row));
        }
        abandon(&state, id.0.0, "given up by its uploader", &caller.actor()).await?;
        ok(Receiving::new(&own(&state, &caller, id.0.0).await?, 0)?)
    }
}

/// The upload, if the caller announced it; 404 if they may not know of it.
async fn own(state: &SharedState, caller: &Principal, id: UploadId) -> ApiResult<Row> {
    let mut connection = state.services.db.get().await?;
    let row = chunked::find(&mut connection, caller.reach, id).await?.ok_or_else(|| ApiError::not_found("upload"))?;
    if row.uploaded_by != Some(caller.user_id.0) {
        return Err(ApiError::forbidden("not_your_upload", "only who announced the file sends its pieces"));
    }
    Ok(row)
}

/// Ends an upload that is not going to be completed, and removes its pieces.
async fn abandon(state: &SharedState, id: UploadId, reason: &str, by: &Actor) -> ApiResult<()> {
    let mut connection = state.services.db.get().await?;
    let pieces = connection
        .transaction::<_, ApiError, _>(async |connection| {
            let upload = piece::hold(connection, id).await?;
            if upload.upload_status != "receiving" {
                return Ok(Vec::new());
            }
            let pieces = chunked::pieces(connection, id).await?;
            chunked::abandon(connection, id, reason).await?;
            let entry = by.entry("upload.abandoned", Entity::of(id)).after(serde_json::json!({"reason": reason}));
            audit::record(connection, &[entry]).await?;
            Ok(pieces)
        })
        .await?;
    drop(connection);
    remove(state, pieces).await;
    Ok(())
}

/// Removes pieces that no row refers to any more.
async fn remove(state: &SharedState, pieces: Vec<Piece>) {
    let storage = &state.services.storage;
    let removals = stream::iter(pieces).map(|piece| async move { kept::remove(storage, &piece.path).await });
    removals.buffer_unordered(REMOVALS).for_each(|()| std::future::ready(())).await;
}
