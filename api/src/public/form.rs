//! A form as browsers and mail services send it: `application/x-www-form-urlencoded`.
//!
//! Reading fails as bodies do, and on a form of more fields than any of ours has.

use crate::error::ApiError;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef},
};

/// Fields of a form.
const FIELDS: usize = 200;

/// The fields of a form, in order.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked, or one of several of that name.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(known, given)| known == name && given == value)
    }
}

impl Payload for Form {
    const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";

    // mail services are not strict about it (RFC 8058, 3.1: multipart/form-data is allowed as well)
    fn check_content_type(_content_type: &str) -> bool {
        true
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("object")))
    }
}

impl ParsePayload for Form {
    const IS_REQUIRED: bool = false;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(&bytes).into_owned().take(FIELDS + 1).collect();
        if fields.len() > FIELDS {
            return Err(ApiError::invalid("", format!("expected at most {FIELDS} fields")).into());
        }
        Ok(Self(fields))
    }
}

impl_apirequest_for_payload!(Form);
