//! An answer that is a file to save: streamed, named, and never shown or guessed at by a browser.
//!
//! A file that breaks off in the store breaks off at the caller as well, who notices by its length.

use super::content;
use crate::{
    error::{ApiError, ApiResult},
    state::SharedState,
};
use futures_util::TryStreamExt;
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    payload::{Binary, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use providers::storage::StorageError;

/// 200 with a file.
pub struct FileReply(Response);

impl FileReply {
    /// A file that lies in the store.
    pub async fn stored(state: &SharedState, key: &str, name: &str, media_type: &'static str) -> ApiResult<Self> {
        let reading = state.services.storage.get_stream(key).await.map_err(|error| match error {
            StorageError::NotFound { .. } => gone(),
            other => other.into(),
        })?;
        let content = reading.content.map_err(std::io::Error::other);
        let mut reply = Self::new(Body::from_bytes_stream(content), name, media_type)?;
        reply.0.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(reading.size));
        Ok(reply)
    }

    /// Any content.
    pub fn new(body: impl Into<Body>, name: &str, media_type: &'static str) -> ApiResult<Self> {
        let disposition = HeaderValue::try_from(disposition(name)).map_err(ApiError::internal)?;
        let response = Response::builder()
            .content_type(media_type)
            .header(header::CONTENT_DISPOSITION, disposition)
            .header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(Self(response.body(body)))
    }

    /// How the document describes it.
    pub fn meta_response() -> MetaResponse {
        MetaResponse {
            description: "The file, as an attachment.",
            status: Some(200),
            status_range: None,
            content: content::MEDIA_TYPES
                .map(|content_type| MetaMediaType { content_type, schema: Binary::<Body>::schema_ref() })
                .into(),
            headers: vec![MetaHeader {
                name: "Content-Disposition".to_owned(),
                description: Some("The file's name.".to_owned()),
                required: true,
                deprecated: false,
                schema: String::schema_ref(),
            }],
        }
    }
}

/// 404: there is a row, and no file any more.
fn gone() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "file_missing", "the file is not in the store any more")
}

impl IntoResponse for FileReply {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for FileReply {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![Self::meta_response()] }
    }

    fn register(_registry: &mut Registry) {}
}

/// The name twice (RFC 6266): in ASCII for old programs, and as it is. No byte of it can end the header or its value.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%')) { c } else { '_' })
        .collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded: String = name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition("May renewals.xlsx"), "attachment; filename=\"May renewals.xlsx\"");
        assert_eq!(
            disposition("a\"; x=\r\nSet-Cookie: é.csv"),
            "attachment; filename=\"a_; x=__Set-Cookie: _.csv\"; \
             filename*=UTF-8''a%22%3B%20x%3D%0D%0ASet-Cookie%3A%20%C3%A9.csv"
        );
    }
}
