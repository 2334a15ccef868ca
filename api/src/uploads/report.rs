//! `GET /api/upload/errors/{id}`: the refused rows as a workbook, made by a job.
//!
//! Whoever asks before it is made is told the job; one that was given up is asked for anew.

use super::{content, file_reply::FileReply, find, hand_out};
use crate::{
    auth::{Guard, permit},
    envelope::Success,
    error::{ApiError, ApiResult},
    request::Id,
    state::SharedState,
    tags::Tag,
};
use domain::{ids::UploadId, upload::UploadStatus};
use jobs::{NewJob, Priority, kinds::build_error_report::BuildErrorReport};
use poem::{
    IntoResponse, Response,
    http::StatusCode,
    web::{Data, Json},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Path,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};
use uuid::Uuid;

/// The error workbook.
pub struct ReportApi;

/// A workbook that is not there yet.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Building {
    /// The upload.
    upload_id: Id<UploadId>,
    /// `processing`: the file is being read; `building`: the workbook is being made.
    state: String,
    /// What to wait for.
    job_id: Option<Uuid>,
}

/// The workbook, or what to wait for.
enum Report {
    File(FileReply),
    Building(Building),
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        match self {
            Self::File(file) => file.into_response(),
            Self::Building(data) => {
                let envelope = ToJSON::to_json(&Success { success: true, data });
                Json(envelope).with_status(StatusCode::ACCEPTED).into_response()
            }
        }
    }
}

impl ApiResponse for Report {
    fn meta() -> MetaResponses {
        let building = MetaResponse {
            description: "Not made yet: ask again when the job is done.",
            status: Some(202),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: Success::<Building>::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![FileReply::meta_response(), building] }
    }

    fn register(registry: &mut Registry) {
        Success::<Building>::register(registry);
    }
}

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl ReportApi {
    /// Download the refused rows
    ///
    /// In the uploader's own layout, the faulty cells marked, with a column that says what is wrong. 404 `no_errors` if
    /// no row was refused. Of one's own upload, or with `customers.reveal`: it holds personal data in clear.
    #[oai(path = "/errors/:id", method = "get")]
    async fn errors(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsView>,
        id: Path<Id<UploadId>>,
    ) -> ApiResult<Report> {
        let upload = find(&state, caller.reach, id.0.0).await?;
        if let Some(key) = upload.error_report_path.as_deref() {
            hand_out(&state, &caller, &upload, "upload.errors_downloaded").await?;
            let stem = upload.filename.rsplit_once('.').map_or(upload.filename.as_str(), |(stem, _)| stem);
            let name = format!("{stem}_errors.xlsx");
            return Ok(Report::File(FileReply::stored(&state, key, &name, content::XLSX).await?));
        }
        let building = |state: &str, job_id| Building { upload_id: id.0, state: state.to_owned(), job_id };
        if super::view::status(&upload)? == UploadStatus::Processing {
            return Ok(Report::Building(building("processing", upload.job_id)));
        }
        if upload.failed_records == 0 {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "no_errors", "no row of this upload was refused"));
        }
        // while one is alive, this is that one
        let job = NewJob::of(&BuildErrorReport { upload: upload.id }).map_err(ApiError::internal)?;
        let job = job.priority(Priority::High).created_by(Some(caller.user_id.0));
        let enqueued = state.services.enqueue_now(&[job]).await?;
        Ok(Report::Building(building("building", enqueued.first().map(|job| job.id))))
    }
}
