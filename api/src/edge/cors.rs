//! Which web pages of other origins may call the API (Fetch standard, CORS protocol): those configured, none by default.
//!
//! An origin listed by name may use the cookies of `/api/auth` as well; `*` allows no credentials, whoever it lets in.

use crate::error::ApiError;
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use std::{collections::HashSet, sync::Arc};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, x-csrf-token, x-request-id, upload-offset, upload-length, range",
);
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-request-id, idempotency-replayed, retry-after, ratelimit, ratelimit-policy, upload-offset, content-disposition, \
     content-range",
);
/// Seconds a browser may keep a preflight's answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins allowed.
#[derive(Debug, Clone)]
pub struct Origins {
    any: bool,
    listed: Arc<HashSet<String>>,
}

impl Origins {
    /// As configured; `*` allows all.
    pub fn new(origins: &[String]) -> Self {
        Self { any: origins.iter().any(|origin| origin == "*"), listed: Arc::new(origins.iter().cloned().collect()) }
    }

    fn allow(&self, origin: &HeaderValue) -> bool {
        self.any || self.name(origin)
    }

    fn name(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| origin != "*" && self.listed.contains(origin))
    }
}

/// Answers preflights, and lets pages of allowed origins read answers.
pub async fn cross_origin<E>(next: Arc<E>, request: Request, origins: Origins) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    let allowed = request.headers().get(header::ORIGIN).cloned().filter(|origin| origins.allow(origin));
    let is_preflight = *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, &allowed) {
        (false, _) => next.call(request).await?,
        (true, Some(_)) => preflight(),
        (true, None) => refused(&request),
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        if origins.name(&origin) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    }
    Ok(response)
}

fn preflight() -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

fn refused(request: &Request) -> Response {
    let id = request.data::<super::RequestId>().map_or("", |id| &*id.0);
    let message = "pages of this origin may not call the API; CORS_ALLOWED_ORIGINS lists those that may";
    crate::error::answer(ApiError::forbidden("origin_not_allowed", message).into(), id)
}
