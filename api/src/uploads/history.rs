//! `GET /api/upload/history`: all uploads, newest first.

use super::view::UploadSummary;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Name, Page, Pagination},
    state::SharedState,
    tags::Tag,
};
use domain::upload::UploadStatus;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::uploads::file;

/// The list of uploads.
pub struct HistoryApi;

/// A part of the list.
#[derive(Object)]
struct Uploads {
    /// Newest first.
    uploads: Vec<UploadSummary>,
    /// Where in the list this is.
    pagination: Pagination,
}

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl HistoryApi {
    /// List uploads
    #[oai(path = "/history", method = "get")]
    async fn history(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsView>,
        /// Standing there only.
        status: Query<Option<Name<UploadStatus>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Uploads>> {
        let page = Page::read(page.0, limit.0)?;
        let status = status.0.map(|status| status.0.as_str());
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = file::list(&mut connection, caller.reach, status, page.part()).await?;
        let uploads = rows.iter().map(|row| UploadSummary::new(row, now)).collect::<ApiResult<_>>()?;
        ok(Uploads { uploads, pagination: page.of(counted) })
    }
}
