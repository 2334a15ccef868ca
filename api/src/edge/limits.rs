//! How long a body and an answer may be: every request starts with the default limits, a route may raise them.
//!
//! Body limits hold for chunked bodies as well, are applied while the body is read, and never hold more than a chunk.
//! A body that stops coming is given up. Reading past a limit fails with an I/O error that holds [`BodyTooLarge`] or
//! [`BodyStalled`]; `error.rs` knows both.

use crate::{error::ApiError, state::SharedState};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use poem::{
    Body, Endpoint, EndpointExt, Request, Response, Result,
    http::{StatusCode, header},
};
use providers::whatsapp_cloud::LONGEST_MEDIA;
use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout, timeout_at};

/// The next part of a body has to come within this time.
const STALL: Duration = Duration::from_secs(30);
/// How long an upload may take in all; it has to keep coming besides.
const UPLOAD_TIME: Duration = Duration::from_secs(2 * 3600);
/// Multipart boundaries and headers around an uploaded file.
const FORM_OVERHEAD: u64 = 64 * 1024;
/// The longest delivery of a webhook, in bytes.
const DELIVERY: u64 = providers::whatsapp_webhook::BODY_LIMIT as u64;
/// The longest list of addresses, in bytes, and how long it may take to come and be kept.
const IMPORT: u64 = 8 * 1024 * 1024;
const IMPORT_TIME: Duration = Duration::from_secs(5 * 60);
/// The longest a caller may wait for a job.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The body is longer than allowed.
#[derive(Debug, thiserror::Error)]
#[error("the body is longer than {limit} bytes")]
pub struct BodyTooLarge {
    /// What would be allowed, in bytes.
    pub limit: u64,
}

/// The body stopped coming.
#[derive(Debug, thiserror::Error)]
#[error("the body stopped coming")]
pub struct BodyStalled;

/// Limits of a route that says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Bytes of a body.
    pub body: u64,
    /// Time until the answer.
    pub time: Duration,
}

/// The limits of one request; raised by its route before the body is read.
#[derive(Debug)]
struct Limits {
    body: AtomicU64,
    millis: AtomicU64,
}

impl Limits {
    fn new(defaults: Defaults) -> Self {
        Self { body: AtomicU64::new(defaults.body), millis: AtomicU64::new(millis(defaults.time)) }
    }

    fn raise(&self, body: u64, time: Duration) {
        self.body.fetch_max(body, Ordering::Relaxed);
        self.millis.fetch_max(millis(time), Ordering::Relaxed);
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Answers within the limits.
pub async fn bound<E>(next: Arc<E>, mut request: Request, defaults: Defaults) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    // decompressing would have to be limited as well; nobody needs it
    if request.header(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(ApiError::unsupported("unsupported_content_encoding", "send the body as it is").into());
    }
    let limits = Arc::new(Limits::new(defaults));
    request.set_data(Arc::clone(&limits));
    let body = request.take_body();
    if !body.is_empty() {
        let declared = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        request.set_body(limited(body, declared.unwrap_or(0), Arc::clone(&limits), STALL));
    }
    let started = Instant::now();
    let mut answer = pin!(next.call(request));
    loop {
        let allowed = limits.time();
        match timeout_at(started + allowed, &mut answer).await {
            Ok(answered) => return answered,
            // raised by the route meanwhile
            Err(_) if limits.time() > allowed => {}
            Err(_) => {
                let message = "this took too long; it may or may not have been done";
                return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "request_timed_out", message).into());
            }
        }
    }
}

type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body, up to what the limits allow when it is read. `declared`: its length as the caller says, or 0; `stall`: how
/// long to wait for the next part.
fn limited(body: Body, declared: u64, limits: Arc<Limits>, stall: Duration) -> Body {
    let chunks: Chunks = Box::pin(body.into_bytes_stream());
    let chunks = stream::try_unfold((chunks, 0), move |(mut chunks, seen)| {
        let limits = Arc::clone(&limits);
        async move {
            let limit = limits.body.load(Ordering::Relaxed);
            if declared > limit {
                return Err(io::Error::other(BodyTooLarge { limit }));
            }
            let Ok(next) = timeout(stall, chunks.next()).await else {
                return Err(io::Error::new(io::ErrorKind::TimedOut, BodyStalled));
            };
            let Some(chunk) = next.transpose()? else { return Ok(None) };
            let seen = seen + chunk.len() as u64;
            if seen > limit { Err(io::Error::other(BodyTooLarge { limit })) } else { Ok(Some((chunk, (chunks, seen)))) }
        }
    });
    Body::from_bytes_stream(chunks)
}

/// For routes that take files: `#[oai(transform = "for_uploads")]`. The body may be as long as `MAX_UPLOAD_BYTES` and a
/// form around it.
pub fn for_uploads<E: Endpoint + 'static>(route: E) -> impl Endpoint {
    raised(route, |state| (state.config.http.max_upload_bytes.saturating_add(FORM_OVERHEAD), UPLOAD_TIME))
}

/// For routes with `?wait=`: `#[oai(transform = "for_waiting")]`. The answer may take [`LONGEST_WAIT`] longer.
pub fn for_waiting<E: Endpoint + 'static>(route: E) -> impl Endpoint {
    raised(route, |state| (0, state.config.http.request_timeout + LONGEST_WAIT))
}

/// For files of WhatsApp messages: `#[oai(transform = "for_media")]`. As long as the vendor takes them, and a form around.
pub fn for_media<E: Endpoint + 'static>(route: E) -> impl Endpoint {
    raised(route, |_| (LONGEST_MEDIA + FORM_OVERHEAD, UPLOAD_TIME))
}

/// For webhooks: `#[oai(transform = "for_webhooks")]`. A delivery may be as long as its provider makes them.
pub fn for_webhooks<E: Endpoint + 'static>(route: E) -> impl Endpoint {
    raised(route, |_| (DELIVERY, Duration::ZERO))
}

/// For lists that are read whole: `#[oai(transform = "for_imports")]`.
pub fn for_imports<E: Endpoint + 'static>(route: E) -> impl Endpoint {
    raised(route, |_| (IMPORT, IMPORT_TIME))
}

fn raised<E: Endpoint + 'static>(route: E, to: fn(&SharedState) -> (u64, Duration)) -> impl Endpoint {
    route.before(move |request| async move {
        if let (Some(limits), Some(state)) = (request.data::<Arc<Limits>>(), request.data::<SharedState>()) {
            let (body, time) = to(state);
            limits.raise(body, time);
        }
        Ok(request)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(body: u64) -> Arc<Limits> {
        Arc::new(Limits::new(Defaults { body, time: Duration::from_secs(1) }))
    }

    async fn read(body: Body) -> io::Result<usize> {
        let mut chunks = std::pin::pin!(body.into_bytes_stream());
        let mut length = 0;
        while let Some(chunk) = chunks.next().await {
            length += chunk?.len();
        }
        Ok(length)
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let first = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
        let body = Body::from_bytes_stream(first.chain(stream::pending()));
        let error = read(limited(body, 0, limits(10), Duration::from_millis(20))).await.unwrap_err();
        assert!(error.get_ref().is_some_and(|cause| cause.is::<BodyStalled>()), "{error:?}");
    }

    #[tokio::test]
    async fn a_raised_limit_holds_for_a_body_not_yet_read() {
        let limits = limits(10);
        let body = |limits: &Arc<Limits>| limited(Body::from(vec![0; 100]), 100, Arc::clone(limits), STALL);
        let error = read(body(&limits)).await.unwrap_err();
        assert!(error.get_ref().is_some_and(|cause| cause.is::<BodyTooLarge>()), "{error:?}");
        let unread = body(&limits);
        limits.raise(100, Duration::ZERO);
        assert_eq!(read(unread).await.unwrap(), 100);
    }
}
