//! `POST /api/communication/whatsapp/media`: a file for WhatsApp messages, handed to the vendor.
//!
//! What a file is is told by its first bytes, and each type has a length that the vendor takes. A file passes through the
//! store, so that memory stays small and the vendor is told its length; nothing of it stays. A failure of the vendor's is
//! the caller's to try again.

use crate::{
    auth::{Guard, permit},
    edge::limits::for_media,
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    state::SharedState,
    tags::Tag,
    uploads::{
        form::{Part, UploadForm},
        incoming,
    },
};
use bytes::{Bytes, BytesMut};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::{StreamExt, TryStreamExt, stream};
use poem::{Request, RequestBody, Result, http::StatusCode, web::Data};
use poem_openapi::{
    Object, OpenApi, impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef},
};
use providers::{
    storage::StorageError,
    whatsapp_cloud::{MediaFile, media_limit},
};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
};
use serde_json::json;

/// How much of a file tells what it is: names within a zip stand near its beginning.
const SNIFFED: usize = 8 * 1024;
/// What else a form may hold is short.
const LONGEST_FIELD: usize = 64 * 1024;

/// Files of WhatsApp messages.
pub struct WhatsappMediaApi;

/// A file that WhatsApp has.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct UploadedMedia {
    /// What messages name it by, for 30 days.
    media_id: String,
    /// What it is.
    mime_type: String,
    /// Its length in bytes.
    size: u64,
    /// Its SHA-256.
    sha256: String,
}

#[OpenApi(prefix_path = "/api/communication/whatsapp", tag = "Tag::Communication")]
impl WhatsappMediaApi {
    /// Upload a file for WhatsApp messages
    ///
    /// A form of `file`: a picture (JPEG or PNG to 5 MB, WebP to 500 kB), sound or film (16 MB) or a document (100 MB).
    /// What it is is told by its content. Messages name the answer's `mediaId`.
    #[oai(path = "/media", method = "post", transform = "for_media")]
    async fn upload_media(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        form: MediaForm,
    ) -> ApiResult<Reply<UploadedMedia>> {
        let uploaded = receive(&state, form.0).await?;
        let entry = caller.entry("media.uploaded", Entity::named("whatsapp_media", &uploaded.media_id));
        let told = json!({"mimeType": uploaded.mime_type, "size": uploaded.size, "sha256": uploaded.sha256});
        let mut connection = state.services.db.get().await?;
        connection
            .transaction::<_, ApiError, _>(
                async |connection| Ok(audit::record(connection, &[entry.after(told)]).await?),
            )
            .await?;
        ok(uploaded)
    }
}

async fn receive(state: &SharedState, mut form: UploadForm) -> ApiResult<UploadedMedia> {
    let mut uploaded = None;
    while let Some(part) = form.next().await? {
        match part.name() {
            Some("file") if uploaded.is_some() => return Err(ApiError::invalid("file", "send one file at a time")),
            Some("file") => uploaded = Some(hand_over(state, part).await?),
            // forms of browsers have buttons and the like
            _ => drop(part.small(LONGEST_FIELD).await?),
        }
    }
    uploaded.ok_or_else(|| ApiError::invalid("file", "is required: a part named file, with the file's name"))
}

async fn hand_over(state: &SharedState, mut part: Part) -> ApiResult<UploadedMedia> {
    let name = part.file_name().unwrap_or_default().to_owned();
    let mut first = BytesMut::new();
    while first.len() < SNIFFED {
        let Some(chunk) = part.next().await else { break };
        first.extend_from_slice(&chunk.map_err(|error| ApiError::from(StorageError::Source(error.into())))?);
    }
    let first = first.freeze();
    let (media_type, limit) = sniffed(&first)?;
    let whole = stream::iter([Ok::<Bytes, multer::Error>(first)]).chain(part);
    let (kept, stored) = incoming::put(state, Box::pin(whole), limit).await?;
    let media_id = match &state.media {
        Some(account) => {
            let reading = state.services.storage.get_stream(kept.key()).await?;
            let content = reading.content.map_err(Into::into).boxed();
            let file = MediaFile { name, media_type, size: reading.size, content };
            account.upload(file).await.map_err(refused)?
        }
        // the sandbox has every file
        None => format!("sandbox-{}", stored.sha256.get(..32).unwrap_or_default()),
    };
    kept.remove().await;
    Ok(UploadedMedia { media_id, mime_type: media_type.to_owned(), size: stored.size, sha256: stored.sha256 })
}

/// The type of a file by its first bytes, as the vendor names it, and the longest that it takes.
fn sniffed(first: &[u8]) -> ApiResult<(&'static str, u64)> {
    if first.is_empty() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "empty_file", "the file is empty"));
    }
    let found = infer::get(first).map(|kind| kind.mime_type());
    let text = || is_text(first).then_some("text/plain");
    found.or_else(text).and_then(media_limit).ok_or_else(|| {
        let message = "WhatsApp takes JPEG, PNG and WebP, MP4 and 3GP, AAC, AMR, MP3, M4A and Ogg, PDF, text, and files \
                       of Word, Excel and PowerPoint";
        ApiError::unsupported("unsupported_media", message)
    })
}

/// Whether bytes are the beginning of a plain text; the last character may be cut.
fn is_text(first: &[u8]) -> bool {
    let valid = match std::str::from_utf8(first) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    valid && !first.iter().any(|byte| *byte < b' ' && !b"\t\r\n".contains(byte))
}

/// What the vendor says, as the caller's answer.
fn refused(failure: SendFailure) -> ApiError {
    match failure.class {
        FailureClass::Request | FailureClass::Recipient | FailureClass::Template => {
            ApiError::unprocessable("media_refused", format!("WhatsApp refuses the file: {}", failure.detail))
        }
        FailureClass::RateLimited { after } => {
            let wait = after.map_or(1, |after| after.as_secs().max(1));
            ApiError::too_many("provider_busy", "WhatsApp takes no more files at the moment", wait)
        }
        FailureClass::Account
        | FailureClass::Retry { .. }
        | FailureClass::PairLimited { .. }
        | FailureClass::DelayDay
        | FailureClass::Unknown => ApiError::unavailable(failure),
    }
}

/// A form with one file.
struct MediaForm(UploadForm);

impl Payload for MediaForm {
    const CONTENT_TYPE: &'static str = UploadForm::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        UploadForm::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        let file = MetaSchema { format: Some("binary"), ..MetaSchema::new("string") };
        let mut form = MetaSchema::new("object");
        form.properties = vec![("file", MetaSchemaRef::Inline(Box::new(file)))];
        form.required = vec!["file"];
        MetaSchemaRef::Inline(Box::new(form))
    }
}

impl ParsePayload for MediaForm {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        UploadForm::from_request(request, body).await.map(Self)
    }
}

impl_apirequest_for_payload!(MediaForm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_are() {
        let kind = |bytes: &[u8]| sniffed(bytes).map(|(kind, _)| kind).ok();
        assert_eq!(kind(b"%PDF-1.7 x"), Some("application/pdf"));
        assert_eq!(kind(b"\xFF\xD8\xFF\xE0 picture"), Some("image/jpeg"));
        assert_eq!(kind("नीति".as_bytes()), Some("text/plain"));
        assert_eq!(kind(&"नीति".as_bytes()[..4]), Some("text/plain"), "cut within a character");
        for bytes in [&b"GIF89a"[..], b"MZ\x90\0", b"\0\0\0\0", b"\xFF\xFE", b""] {
            assert_eq!(kind(bytes), None, "{bytes:?}");
        }
    }
}
