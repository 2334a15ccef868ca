//! Compresses answers that gain by it: text of some length, for callers that accept brotli or gzip.
//!
//! Files and event streams pass as they are.

use http_body::Body as _;
use http_body_util::combinators::BoxBody;
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    web::{Compress, CompressionAlgo, CompressionLevel},
};
use std::sync::Arc;

/// Shorter answers fit a packet anyway.
const SHORTEST: u64 = 1024;
/// Types that shrink; the rest is compressed already, or must not be held back.
const TEXT: &[&str] = &[
    "application/json",
    "application/javascript",
    "text/javascript",
    "text/html",
    "text/css",
    "text/plain",
    "text/csv",
    "image/svg+xml",
];

/// Answers, compressed if that helps.
pub async fn compressed<E: Endpoint<Output = Response>>(next: Arc<E>, request: Request) -> Result<Response> {
    let algorithm = accepted(request.headers());
    let is_head = *request.method() == Method::HEAD;
    let mut response = next.call(request).await?;
    if !is_text(&response) {
        return Ok(response);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(algorithm) = algorithm.filter(|_| !is_head && may_be_encoded(&response)) else { return Ok(response) };
    let body: BoxBody<_, _> = response.take_body().into();
    let is_short = body.size_hint().upper().is_some_and(|length| length < SHORTEST);
    response.set_body(Body::from(body));
    if is_short {
        return Ok(response);
    }
    let compressed = Compress::new(response, algorithm).with_quality(CompressionLevel::Fastest);
    Ok(compressed.into_response())
}

fn is_text(response: &Response) -> bool {
    let essence = response.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    TEXT.contains(&essence)
}

fn may_be_encoded(response: &Response) -> bool {
    let status = response.status();
    let has_body = !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    has_body
        && status != StatusCode::PARTIAL_CONTENT
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && !response.headers().contains_key(header::CONTENT_RANGE)
}

/// The best of what the caller accepts (RFC 9110, 12.5.3).
fn accepted(headers: &HeaderMap) -> Option<CompressionAlgo> {
    let mut quality = [None::<f32>; 3];
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in listed.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let slot = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "br" => 0,
            "gzip" | "x-gzip" => 1,
            "*" => 2,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse().ok());
        quality[slot] = weight;
    }
    let [brotli, gzip, any] = quality;
    let brotli = brotli.or(any).unwrap_or(0.0);
    let gzip = gzip.or(any).unwrap_or(0.0);
    match (brotli, gzip) {
        (brotli, gzip) if brotli > 0.0 && brotli >= gzip => Some(CompressionAlgo::BR),
        (_, gzip) if gzip > 0.0 => Some(CompressionAlgo::GZIP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &'static str) -> Option<CompressionAlgo> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
        accepted(&headers)
    }

    #[test]
    fn the_callers_preference_counts() {
        assert_eq!(accepted(&HeaderMap::new()), None);
        for (text, expected) in [
            ("gzip, deflate, br, zstd", Some(CompressionAlgo::BR)),
            ("gzip", Some(CompressionAlgo::GZIP)),
            ("br;q=0.5, gzip;q=0.9", Some(CompressionAlgo::GZIP)),
            ("br;q=0, *", Some(CompressionAlgo::GZIP)),
            ("*", Some(CompressionAlgo::BR)),
            ("*;q=0", None),
            ("identity", None),
            ("gzip;q=0", None),
            ("zstd", None),
        ] {
            assert_eq!(choice(text), expected, "{text}");
        }
    }
}
