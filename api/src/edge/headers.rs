//! Headers that keep browsers from doing what nobody wants (OWASP Secure Headers). A route that sets one itself keeps
//! its own.

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderName, HeaderValue, header},
};
use std::sync::Arc;

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ),
    // answers are about people and change at any moment
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Under TLS: never without it, for a year (RFC 6797).
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what is not there yet.
pub async fn secured<E: Endpoint<Output = Response>>(next: Arc<E>, request: Request) -> Result<Response> {
    let is_secure = request.data::<super::IsSecure>().is_some_and(|secure| secure.0);
    let mut response = next.call(request).await?;
    if is_secure {
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(STRICT_TRANSPORT);
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    Ok(response)
}
