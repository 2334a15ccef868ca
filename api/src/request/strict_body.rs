//! A JSON body that holds what it may hold and nothing else: a field that is not one of the type's is a fault.
//!
//! For what changes people and their rights: whoever sends `role` where it cannot be set learns so, and is not left to
//! believe that it was.

use super::json_body::{is_json, parse};
use crate::{envelope::FieldFault, error::ApiError};
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseFromJSON, Type},
};
use serde_json::Value;

/// A body of `application/json` without fields of the caller's own.
#[derive(Debug)]
pub struct StrictBody<T>(pub T);

/// How the document says that nothing else is allowed: there is no such text.
fn nothing() -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        min_length: Some(1),
        max_length: Some(0),
        ..MetaSchema::new("string")
    }))
}

impl<T: Type> Payload for StrictBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        is_json(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        if let Some(schema) = registry.schemas.get_mut(&*T::name()) {
            schema.additional_properties = Some(Box::new(nothing()));
        }
    }
}

impl<T: ParseFromJSON> ParsePayload for StrictBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        let found = unknown::<T>(&bytes);
        if !found.is_empty() {
            return Err(ApiError::faults(found).into());
        }
        Ok(Self(parse(&bytes)?))
    }
}

impl_apirequest_for_payload!(StrictBody<T>, T: ParseFromJSON);

/// The fields that are none of the type's; a body that is no object is for [`parse`] to refuse.
fn unknown<T: Type>(bytes: &[u8]) -> Vec<FieldFault> {
    let Ok(Value::Object(members)) = serde_json::from_slice(bytes) else { return Vec::new() };
    let mut registry = Registry::new();
    T::register(&mut registry);
    let Some(schema) = registry.schemas.get(&*T::name()) else { return Vec::new() };
    let is_known = |name: &str| schema.properties.iter().any(|(known, _)| *known == name);
    let known: Vec<&str> = schema.properties.iter().map(|(name, _)| *name).collect();
    let fault = |name: String| FieldFault {
        field: name.replace('\0', ""),
        message: format!("cannot be set here; what can: {}", known.join(", ")),
    };
    members.into_iter().map(|(name, _)| name).filter(|name| !is_known(name)).take(20).map(fault).collect()
}
