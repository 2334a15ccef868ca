//! Names a request and logs it: one span, one line, with its id, method, route, status and latency.
//!
//! The route is the pattern, never the path, and no query is logged: both may hold personal data.

use domain::ids::UserId;
use poem::{
    Endpoint, PathPattern, Request, Response, Result,
    http::{HeaderName, HeaderValue, Method},
};
use std::{sync::Arc, time::Instant};
use tracing::{Instrument, Span, field::Empty};
use uuid::Uuid;

/// Where the id is read and told.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// As long as the audit log keeps it.
const LONGEST: usize = 64;

/// What the logs know a request by: the caller's own id if it is well formed, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    fn of(request: &Request) -> Self {
        let well_formed = |id: &&str| {
            (1..=LONGEST).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        match request.header(&HEADER).filter(well_formed) {
            Some(id) => Self(id.into()),
            None => Self(Uuid::new_v4().to_string().into()),
        }
    }
}

/// Answers within a span, and logs the answer.
pub async fn observed<E: Endpoint<Output = Response>>(next: Arc<E>, mut request: Request) -> Result<Response> {
    let id = RequestId::of(&request);
    let method = method_name(request.method());
    let span = tracing::info_span!("request", request_id = &*id.0, method, user = Empty);
    request.set_data(id.clone());
    async move {
        let timer = Timer { started: Instant::now(), answered: false };
        let mut response = next.call(request).await?;
        let route = response.data::<PathPattern>().map(|pattern| Arc::clone(&pattern.0));
        let (route, status) = (route.as_deref().unwrap_or("none"), response.status().as_u16());
        let latency_ms = timer.stop();
        if route.starts_with("/health") {
            tracing::debug!(route, status, latency_ms, "answered");
        } else {
            tracing::info!(route, status, latency_ms, "answered");
        }
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, value);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Measures a request, and tells when its caller hung up before the answer.
struct Timer {
    started: Instant,
    answered: bool,
}

impl Timer {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn stop(mut self) -> u64 {
        self.answered = true;
        self.elapsed_ms()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.answered {
            tracing::info!(latency_ms = self.elapsed_ms(), "the caller hung up");
        }
    }
}

/// Adds who is asking to the request's span.
pub fn asked_by(user: UserId) {
    Span::current().record("user", user.0);
}

/// A caller may invent methods of any length.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::TRACE
        | Method::CONNECT => method.as_str(),
        _ => "other",
    }
}
