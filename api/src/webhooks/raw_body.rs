//! A body as it came, of any content type: what a signature is made over.
//!
//! Reading fails as bodies do: too long (413), stopped coming (408), broken off (400).

use bytes::Bytes;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef},
};

/// The bytes of a body, read to the end.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

impl Payload for RawBody {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(_content_type: &str) -> bool {
        true
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("object")))
    }
}

impl ParsePayload for RawBody {
    const IS_REQUIRED: bool = false;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Self(body.take()?.into_bytes().await?))
    }
}

impl_apirequest_for_payload!(RawBody);
