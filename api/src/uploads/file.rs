//! `POST /api/upload/file`: a whole file in one request.

use super::{
    form::{Part, UploadForm},
    incoming::{self, Incoming},
    metadata::{Described, Metadata},
    record::{self, Submission},
    view::Submitted,
};
use crate::{
    auth::{Guard, permit},
    edge::limits::for_uploads,
    envelope::{Accepted, accepted},
    error::{ApiError, ApiResult},
    request::parse_json,
    state::SharedState,
    tags::Tag,
};
use poem::web::Data;
use poem_openapi::{OpenApi, param::Query};

/// What is said about a file is short.
const LONGEST_METADATA: usize = 128 * 1024;

/// Uploading a file.
pub struct FileApi;

#[OpenApi(prefix_path = "/api/upload", tag = "Tag::Uploads")]
impl FileApi {
    /// Upload a book of policies
    ///
    /// A form of `file` and, if there is something to say about it, `metadata`: JSON. What the file is is told by its
    /// content. 409 `duplicate_upload` names the earlier upload of the same bytes. With an `Idempotency-Key`, the length
    /// of the form stands for its content.
    #[oai(path = "/file", method = "post", transform = "for_uploads")]
    async fn upload(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::UploadsCreate>,
        /// Tell what the file would do, and write none of it.
        #[oai(name = "dryRun")]
        dry_run: Query<Option<bool>>,
        /// Read it although it was uploaded before.
        again: Query<Option<bool>>,
        form: UploadForm,
    ) -> ApiResult<Accepted<Submitted>> {
        let received = receive(&state, form).await?;
        let submission = Submission {
            user: caller.user_id,
            actor: caller.actor(),
            branch: caller.branch_id.map(|branch| branch.0),
            reach: caller.reach,
            file_name: received.name,
            described: received.described,
            dry_run: dry_run.0.unwrap_or_default(),
            again: again.0.unwrap_or_default(),
        };
        accepted(record::record(&state, received.file, submission).await?)
    }
}

/// A form, read to its end.
struct Received {
    file: Incoming,
    name: String,
    described: Described,
}

async fn receive(state: &SharedState, mut form: UploadForm) -> ApiResult<Received> {
    let (mut file, mut described) = (None, None);
    while let Some(part) = form.next().await? {
        match part.name() {
            Some("file") if file.is_some() => return Err(ApiError::invalid("file", "send one file at a time")),
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let kept = incoming::keep(state, part, state.config.http.max_upload_bytes).await?;
                file = Some((kept, name));
            }
            Some("metadata") if described.is_some() => {
                return Err(ApiError::invalid("metadata", "send it once"));
            }
            Some("metadata") => described = Some(describe(state, part).await?),
            // forms of browsers have buttons and the like
            _ => drop(part.small(LONGEST_METADATA).await?),
        }
    }
    let Some((file, name)) = file else {
        return Err(ApiError::invalid("file", "is required: a part named file, with the file's name"));
    };
    Ok(Received { file, name, described: described.unwrap_or_default() })
}

async fn describe(state: &SharedState, part: Part) -> ApiResult<Described> {
    let Some(text) = part.small(LONGEST_METADATA).await? else {
        return Err(ApiError::invalid("metadata", format!("expected at most {LONGEST_METADATA} bytes")));
    };
    if text.trim_ascii().is_empty() {
        return Ok(Described::default());
    }
    parse_json::<Metadata>(&text)?.checked(state).await
}
