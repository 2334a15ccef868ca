//! Books of policies over HTTP: `/api/upload`. A file comes in whole or in pieces, a job reads it, and people see what
//! became of it.
//!
//! Files are streamed to the store and never held in memory. What is refused leaves nothing behind: a stored object
//! belongs to a [`kept::Kept`] until a row refers to it.

mod chunked;
mod chunked_view;
pub(crate) mod content;
mod download;
mod file;
pub(crate) mod file_reply;
pub(crate) mod form;
mod history;
pub(crate) mod incoming;
pub(crate) mod kept;
mod mappings;
mod metadata;
mod offset;
mod piece;
mod record;
mod report;
mod status;
mod undo;
mod view;

use crate::{
    auth::{Principal, SignedIn},
    error::{ApiError, ApiResult},
    request::named_set,
    state::SharedState,
};
use domain::{
    ids::UploadId,
    permissions::{Permission, Reach},
    upload::{Column, UploadStatus},
};
use poem_openapi::OpenApi;
use schema::{
    audit::{self, Entity},
    uploads::file::{self as rows, Upload},
};

named_set!(UploadStatus);
named_set!(Column: ALL, wire_name);

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (
        file::FileApi,
        chunked::ChunkedApi,
        status::StatusApi,
        history::HistoryApi,
        download::DownloadApi,
        report::ReportApi,
        undo::UndoApi,
        mappings::MappingsApi,
    )
}

/// Whether they may see what a file says of people, in clear: their own file, or by permission.
fn sees_in_clear(caller: &Principal, upload: &Upload) -> bool {
    upload.uploaded_by == Some(caller.user_id.0) || caller.may(Permission::CustomersReveal)
}

/// Hands out a file full of personal data: 403 unless they may see it in clear, and noted in the audit log.
async fn hand_out(state: &SharedState, caller: &SignedIn, upload: &Upload, action: &'static str) -> ApiResult<()> {
    if !sees_in_clear(caller, upload) {
        caller.demand(Permission::CustomersReveal)?;
    }
    let entry = caller.entry(action, Entity::of(UploadId(upload.id)));
    let mut connection = state.services.db.get().await?;
    Ok(audit::record(&mut connection, &[entry]).await?)
}

/// The upload, or 404 if there is none in reach.
async fn find(state: &SharedState, reach: Reach, id: UploadId) -> ApiResult<Upload> {
    let mut connection = state.services.db.get().await?;
    rows::find(&mut connection, reach, id).await?.ok_or_else(|| ApiError::not_found("upload"))
}
