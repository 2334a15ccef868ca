//! Books of policies over HTTP: `/api/upload`. A file comes in whole or in pieces, a job reads it, and people see what
//! became of it.
//!
//! Files are streamed to the store and never held in memory. What is refused leaves nothing behind: a stored object
//! belongs to a [`kept::Kept`] until a row refers to it.

mod chunked;
mod chunked_view;
mod content;
mod download;
mod file;
mod file_reply;
mod form;
mod history;
mod incoming;
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
    error::{ApiError, ApiResult},
    request::named_set,
    state::SharedState,
};
use domain::{
    ids::UploadId,
    upload::{Column, UploadStatus},
};
use poem_openapi::OpenApi;
use schema::uploads::file::{self as rows, Upload};

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

/// The upload, or 404.
async fn find(state: &SharedState, id: UploadId) -> ApiResult<Upload> {
    let mut connection = state.services.db.get().await?;
    rows::find(&mut connection, id).await?.ok_or_else(|| ApiError::not_found("upload"))
}
