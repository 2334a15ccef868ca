//! A picture as a body: PNG, JPEG or WebP by its first bytes, whatever the caller calls it.

use crate::error::{ApiError, ApiResult};
use bytes::Bytes;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef},
};

/// Bytes of a picture at most.
pub const LONGEST: usize = 1 << 20;

/// Pictures that every browser shows, as the ending of their key says.
const KINDS: [(&str, &str); 3] = [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp")];

/// A picture that came in.
#[derive(Debug)]
pub struct ImageBody(Bytes);

impl ImageBody {
    /// What is in it.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The ending of its key: `png`, `jpg` or `webp`; 415 for anything else.
    pub fn ending(&self) -> ApiResult<&'static str> {
        let found = infer::get(&self.0).map(|kind| kind.mime_type());
        let known = KINDS.iter().find(|(_, media_type)| Some(*media_type) == found).map(|(ending, _)| *ending);
        known.ok_or_else(|| ApiError::unsupported("unsupported_image", "a picture is a PNG, a JPEG or a WebP file"))
    }
}

/// The media type of a stored picture, by its key.
pub fn media_type(key: &str) -> Option<&'static str> {
    let (_, ending) = key.rsplit_once('.')?;
    KINDS.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

impl Payload for ImageBody {
    const CONTENT_TYPE: &'static str = "image/*";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence.starts_with("image/") || essence == "application/octet-stream"
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema { format: Some("binary"), ..MetaSchema::new("string") }))
    }
}

impl ParsePayload for ImageBody {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let declared = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        if declared.is_some_and(|length: usize| length > LONGEST) {
            return Err(too_large().into());
        }
        // bounded at the edge as well, where a body that is not declared is cut off
        let bytes = body.take()?.into_bytes().await?;
        if bytes.len() > LONGEST {
            return Err(too_large().into());
        }
        Ok(Self(bytes))
    }
}

impl_apirequest_for_payload!(ImageBody);

fn too_large() -> ApiError {
    ApiError::too_large(LONGEST as u64)
}
