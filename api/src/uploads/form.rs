//! The form an upload comes in (RFC 7578): its parts are handed on as they arrive.
//!
//! The parser takes whatever the connection offers before it looks at any of it, and a part's headers may be of any
//! length; [`Sips`] gives it one chunk at a time, and no more once it makes nothing of what it has.

use super::metadata::Metadata;
use crate::error::{ApiError, ApiResult};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use poem::{
    Request, RequestBody, Result,
    http::{StatusCode, header},
};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

/// What may lie in the parser that it makes no part of.
const UNPARSED: usize = 256 * 1024;

/// A form that is coming in.
pub struct UploadForm {
    parts: multer::Multipart<'static>,
    unparsed: Arc<AtomicUsize>,
}

/// One part of it.
pub struct Part {
    field: multer::Field<'static>,
    unparsed: Arc<AtomicUsize>,
}

impl UploadForm {
    /// The next part. The one before has to be gone.
    pub async fn next(&mut self) -> ApiResult<Option<Part>> {
        let field = self.parts.next_field().await.map_err(|error| refused(&error))?;
        self.unparsed.store(0, Ordering::Relaxed);
        Ok(field.map(|field| Part { field, unparsed: Arc::clone(&self.unparsed) }))
    }
}

impl Part {
    /// What the form calls it.
    pub fn name(&self) -> Option<&str> {
        self.field.name()
    }

    /// The file's name, if it is one.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// All of it, if it is no longer than that.
    pub async fn small(mut self, limit: usize) -> ApiResult<Option<Bytes>> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await {
            whole.extend_from_slice(&chunk.map_err(|error| refused(&error))?);
            if whole.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(whole.freeze()))
    }
}

impl Stream for Part {
    type Item = Result<Bytes, multer::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.field.poll_next_unpin(context);
        if polled.is_ready() {
            self.unparsed.store(0, Ordering::Relaxed);
        }
        polled
    }
}

fn refused(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(cause) if !is_unparsable(cause.as_ref()) => ApiError::unreadable_body(error),
        _ => malformed(),
    }
}

fn malformed() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "malformed_form", "the body is not a well-formed multipart form")
}

/// The parser makes nothing of what came.
#[derive(Debug, thiserror::Error)]
#[error("no part within {UNPARSED} bytes")]
struct Unparsable;

fn is_unparsable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.is_some_and(|inner| inner.is::<Unparsable>())
}

/// A body, a chunk each time the parser is asked to go on.
struct Sips<S> {
    body: S,
    unparsed: Arc<AtomicUsize>,
    given: bool,
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for Sips<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.unparsed.load(Ordering::Relaxed) > UNPARSED {
            return Poll::Ready(Some(Err(io::Error::other(Unparsable))));
        }
        let polled = self.body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.unparsed.fetch_add(chunk.len(), Ordering::Relaxed);
            self.given = true;
        }
        polled
    }
}

impl Payload for UploadForm {
    const CONTENT_TYPE: &'static str = "multipart/form-data";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        let file = MetaSchema { format: Some("binary"), ..MetaSchema::new("string") };
        let mut form = MetaSchema::new("object");
        form.properties = vec![("file", MetaSchemaRef::Inline(Box::new(file))), ("metadata", Metadata::schema_ref())];
        form.required = vec!["file"];
        MetaSchemaRef::Inline(Box::new(form))
    }

    fn register(registry: &mut Registry) {
        Metadata::register(registry);
    }
}

impl ParsePayload for UploadForm {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(|_| malformed())?;
        let unparsed = Arc::new(AtomicUsize::new(0));
        let body = Box::pin(body.take()?.into_bytes_stream());
        let sips = Sips { body, unparsed: Arc::clone(&unparsed), given: false };
        Ok(Self { parts: multer::Multipart::new(sips, boundary), unparsed })
    }
}

impl_apirequest_for_payload!(UploadForm);
