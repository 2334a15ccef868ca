//! A JSON body whose faults are told by field, all at once.
//!
//! poem-openapi's own `Json` names neither the field nor more than one fault: when reading fails, the value is held
//! against the type's schema to find out where.

use super::faults;
use crate::error::ApiError;
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchemaRef, Registry},
    types::{ParseFromJSON, Type},
};

/// How JSON writes the character that PostgreSQL keeps in no text.
const NUL: &[u8] = br"\u0000";

/// A body of `application/json`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        is_json(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl_apirequest_for_payload!(JsonBody<T>, T: ParseFromJSON);

/// Whether a content type is JSON, or one built on it (RFC 6839).
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a value, or says where it is at fault.
pub fn parse<T: ParseFromJSON>(bytes: &[u8]) -> Result<T, ApiError> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        ApiError::malformed_json(format!("the body is not JSON: {place}"))
    })?;
    // as text only: a byte of zero is no JSON
    if bytes.windows(NUL.len()).any(|window| window == NUL) {
        let found = faults::nul(&value);
        if !found.is_empty() {
            return Err(ApiError::faults(found));
        }
    }
    let parsed = T::parse_from_json(Some(value.clone())).map_err(|error| {
        let mut found = faults::of::<T>(&value);
        if found.is_empty() {
            found.push(faults::unplaced(error.message()));
        }
        ApiError::faults(found)
    })?;
    let found = faults::not_text::<T>(&value);
    if found.is_empty() { Ok(parsed) } else { Err(ApiError::faults(found)) }
}
