//! The OpenAPI document at `/api/openapi.json` and a page to try it at `/api/docs/`.
//!
//! The page holds everything it needs; its content policy keeps it from loading anything from elsewhere.

use poem::{
    Endpoint, Response,
    endpoint::make_sync,
    http::{HeaderValue, header},
};

/// The page's scripts and styles are in the page; it talks to this server only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; \
     font-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);
/// Both change with the program only.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=60");

/// The document.
pub fn document(json: String) -> impl Endpoint<Output = Response> + 'static {
    let json = bytes::Bytes::from(json);
    make_sync(move |_| {
        let response = Response::builder().content_type("application/json").header(header::CACHE_CONTROL, CACHE);
        response.body(json.clone())
    })
}

/// The page.
pub fn page(html: String) -> impl Endpoint<Output = Response> + 'static {
    let html = bytes::Bytes::from(html);
    make_sync(move |_| {
        let response = Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::CACHE_CONTROL, CACHE);
        response.body(html.clone())
    })
}
