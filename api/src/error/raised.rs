//! What poem raises itself: routes that are not there, bodies that cannot be read, parameters that are none.

use super::ApiError;
use crate::edge::limits::{BodyStalled, BodyTooLarge};
use poem::{
    error::{
        MethodNotAllowedError, NotFoundError, ParseMultipartError, ParsePathError as UndecodablePath, ReadBodyError,
    },
    http::StatusCode,
};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError as ParseFormError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};
use std::error::Error as StdError;

/// What is answered when reading a body failed, for handlers that read it themselves.
pub(super) fn by_body(error: &(dyn StdError + 'static)) -> ApiError {
    by_limits(error).unwrap_or_else(unreadable)
}

fn by_limits(error: &(dyn StdError + 'static)) -> Option<ApiError> {
    if let Some(too_large) = find::<BodyTooLarge>(error) {
        return Some(ApiError::too_large(too_large.limit));
    }
    find::<BodyStalled>(error)?;
    Some(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_stalled", "the body stopped coming"))
}

fn unreadable() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "body_unreadable", "the body could not be read to its end")
}

/// What is answered to it.
pub(super) fn by_poem(error: poem::Error) -> ApiError {
    if let Some(limited) = by_limits(&error) {
        return limited;
    }
    if error.is::<NotFoundError>() {
        return ApiError::new(StatusCode::NOT_FOUND, "route_not_found", "there is nothing at this path");
    }
    if error.is::<MethodNotAllowedError>() {
        return ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path does not answer to this method",
        );
    }
    if error.is::<ParsePathError>() || error.is::<UndecodablePath>() {
        return ApiError::not_found("entry");
    }
    if let Some(param) = error.downcast_ref::<ParseParamError>() {
        return ApiError::invalid(param.name, reason_of(&param.reason));
    }
    if let Some(payload) = error.downcast_ref::<ParseRequestPayloadError>() {
        return ApiError::malformed_json(reason_of(&payload.reason));
    }
    if let Some(kind) = error.downcast_ref::<ContentTypeError>() {
        return ApiError::unsupported("unsupported_media_type", kind.to_string());
    }
    if error.is::<AuthorizationError>() {
        return ApiError::unauthenticated("missing_token", "a bearer token is needed");
    }
    if error.is::<ReadBodyError>() {
        return unreadable();
    }
    if error.is::<ParseMultipartError>() || error.is::<ParseFormError>() {
        return ApiError::new(
            StatusCode::BAD_REQUEST,
            "malformed_form",
            "the body is not a well-formed multipart form",
        );
    }
    match error.status() {
        status if status.is_server_error() => {
            let mut internal = ApiError::internal(error);
            internal.status = status;
            internal
        }
        status => ApiError::new(status, "request_refused", status.canonical_reason().unwrap_or("refused")),
    }
}

/// poem-openapi's reasons without its names for our types.
fn reason_of(reason: &str) -> String {
    let reason = reason.split(" (occurred while parsing").next().unwrap_or(reason);
    match reason.strip_prefix("failed to parse \"").and_then(|rest| rest.split_once("\": ")) {
        Some((_, rest)) => rest.to_owned(),
        None => reason.strip_prefix("verification failed. ").unwrap_or(reason).to_owned(),
    }
}

/// Looks for a cause of that type, through I/O errors as well, which hide theirs.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}
