//! Refuses addresses and headers that are longer than anybody means, and NUL in paths and queries: PostgreSQL keeps no text with it, and nobody means it.
//!
//! In JSON bodies it is a fault of its field, told by `request::json_body`.

use crate::error::ApiError;
use poem::{Endpoint, Request, Response, Result, http::StatusCode};
use std::sync::Arc;

/// The longest path and query, in bytes.
const LONGEST_ADDRESS: usize = 8 * 1024;
/// All headers together, in bytes.
const LONGEST_HEADERS: usize = 32 * 1024;

/// Answers requests whose address is text, and no longer than it need be.
pub async fn without_nul<E: Endpoint<Output = Response>>(next: Arc<E>, request: Request) -> Result<Response> {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    if address.len() > LONGEST_ADDRESS {
        let message = format!("the path and query are longer than {LONGEST_ADDRESS} bytes");
        return Err(ApiError::new(StatusCode::URI_TOO_LONG, "uri_too_long", message).into());
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > LONGEST_HEADERS {
        let message = format!("the headers are longer than {LONGEST_HEADERS} bytes");
        let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(ApiError::new(too_large, "headers_too_large", message).into());
    }
    if address.contains("%00") {
        return Err(ApiError::invalid("url", "must not contain NUL").into());
    }
    next.call(request).await
}
