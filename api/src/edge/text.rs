//! Refuses NUL in paths and queries: PostgreSQL keeps no text with it, and nobody means it.
//!
//! In JSON bodies it is a fault of its field, told by `request::json_body`.

use crate::error::ApiError;
use poem::{Endpoint, Request, Response, Result};
use std::sync::Arc;

/// Answers requests whose address is text.
pub async fn without_nul<E: Endpoint<Output = Response>>(next: Arc<E>, request: Request) -> Result<Response> {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    if address.contains("%00") {
        return Err(ApiError::invalid("url", "must not contain NUL").into());
    }
    next.call(request).await
}
