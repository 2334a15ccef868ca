//! `GET /api/upload/template` and `GET /api/upload/download/{id}`: the workbook to fill in, and the original as it came.

use super::{content, file_reply::FileReply, find, hand_out};
use crate::{
    auth::{Guard, permit},
    error::{ApiError, ApiResult},
    request::Id,
    state::SharedState,
    tags::Tag,
};
use bytes::Bytes;
use domain::ids::UploadId;
use jobs::sheets::{TEMPLATE_FILE_NAME, template};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{OpenApi, param::Path};
use tokio::{sync::OnceCell, task::spawn_blocking};

/// Files to save.
pub struct DownloadApi;

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl DownloadApi {
    /// Download the template
    ///
    /// A workbook with headers, drop-downs, formats, an example and instructions.
    #[oai(path = "/template", method = "get")]
    async fn template(&self, _caller: Guard<permit::UploadsView>) -> ApiResult<FileReply> {
        FileReply::new(template_bytes().await?, TEMPLATE_FILE_NAME, content::XLSX)
    }

    /// Download an uploaded file
    ///
    /// One's own, or with `customers.reveal`: it holds personal data in clear. The audit log keeps who did.
    #[oai(path = "/download/:id", method = "get")]
    async fn original(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsView>,
        id: Path<Id<UploadId>>,
    ) -> ApiResult<FileReply> {
        let upload = find(&state, caller.reach, id.0.0).await?;
        let missing = || ApiError::new(StatusCode::NOT_FOUND, "file_missing", "the file has not come in to its end");
        let key = upload.upload_path.as_deref().ok_or_else(missing)?;
        hand_out(&state, &caller, &upload, "upload.downloaded").await?;
        FileReply::stored(&state, key, &upload.filename, content::media_type(&upload.file_type)).await
    }
}

/// Made once a process.
async fn template_bytes() -> ApiResult<Bytes> {
    static TEMPLATE: OnceCell<Bytes> = OnceCell::const_new();
    let made = TEMPLATE.get_or_try_init(|| async {
        let bytes = spawn_blocking(template).await.map_err(ApiError::internal)?;
        Ok::<_, ApiError>(Bytes::from(bytes.map_err(ApiError::internal)?))
    });
    Ok(made.await?.clone())
}
