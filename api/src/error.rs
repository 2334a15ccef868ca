//! The one place where errors become HTTP: what went wrong, which status and code it has, and what a caller is told.
//!
//! Handlers return [`ApiError`]; everything poem raises itself arrives here as well. Each error is logged once, here.
//! What a caller reads never holds an internal message: the source goes to the log only.

mod raised;

use crate::auth::token_keys::KeysError;
use crate::envelope::{ErrorBody, ErrorInfo, FieldFault};
use domain::messaging::template::{RenderError, TemplateError};
use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
    web::Json,
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use providers::storage::StorageError;
use schema::{DbError, QueryError};
use serde_json::Value;
use std::error::Error as StdError;

/// The cause of an error, for the log.
pub type Source = Box<dyn StdError + Send + Sync>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Option<Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    #[source]
    source: Option<Source>,
}

/// What a handler answers with.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Any status, a stable snake_case code, and a sentence that says what would be right.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, headers: Vec::new(), source: None }
    }

    /// 400: one field is at fault.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::faults(vec![FieldFault { field: field.into(), message: message.into() }])
    }

    /// 400: these fields are at fault; told all at once.
    pub fn faults(faults: Vec<FieldFault>) -> Self {
        let message = match faults.as_slice() {
            [one] if one.field.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields are not valid", many.len()),
        };
        let fields = faults.iter().map(|fault| serde_json::json!({"field": fault.field, "message": fault.message}));
        let details = serde_json::json!({"fields": fields.collect::<Vec<_>>()});
        Self::new(StatusCode::BAD_REQUEST, "validation_failed", message).with_details(details)
    }

    /// 400: not JSON at all.
    pub fn malformed_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", message)
    }

    /// 401: who is asking is not known.
    pub fn unauthenticated(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: known, and not allowed.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: no such thing, or none that this person may know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 409: not in the state it is in.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 413: the body is longer than allowed.
    pub fn too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("the body is longer than {limit} bytes"))
    }

    /// What went wrong while a handler read the body itself: too long (413), stopped coming (408), or broke off (400).
    pub fn unreadable_body(error: &(dyn StdError + 'static)) -> Self {
        raised::by_body(error)
    }

    /// 415: the body is of another kind.
    pub fn unsupported(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message)
    }

    /// 422: understood, and still not possible.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 429: too often; `wait` in seconds.
    pub fn too_many(code: &'static str, message: impl Into<String>, wait: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message).with_header(header::RETRY_AFTER, wait.max(1).into())
    }

    /// 503: something this needs does not answer at the moment.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        let message = "a part this needs does not answer at the moment; try again";
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
            .with_header(header::RETRY_AFTER, 1.into());
        error.source = Some(source.into());
        error
    }

    /// 500: our fault.
    pub fn internal(source: impl Into<Source>) -> Self {
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "something went wrong here");
        error.source = Some(source.into());
        error
    }

    /// With more for the caller's program, in camelCase.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status it is answered with.
    pub fn http_status(&self) -> StatusCode {
        self.status
    }

    /// The stable code it is answered with.
    pub fn code(&self) -> &'static str {
        self.code
    }

    fn respond(self, request_id: Option<&str>) -> Response {
        let info = ErrorInfo {
            code: self.code.to_owned(),
            message: self.message,
            details: self.details,
            request_id: request_id.map(str::to_owned),
        };
        let body = ErrorBody { success: false, error: info };
        let mut response = Json(poem_openapi::types::ToJSON::to_json(&body)).into_response();
        response.set_status(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = match self.code {
                "missing_token" | "invalid_credentials" => HeaderValue::from_static("Bearer realm=\"renewals\""),
                _ => HeaderValue::from_static("Bearer realm=\"renewals\", error=\"invalid_token\""),
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
            .headers_mut()
            .extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)).collect::<Vec<_>>());
        response
    }
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_not_found() {
            Self::not_found("entry")
        } else if error.unique_violation().is_some() {
            let mut conflict = Self::conflict("already_exists", "there is one of that name already");
            conflict.source = Some(error.into());
            conflict
        } else if error.is_transient() {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<QueryError> for ApiError {
    /// A transaction failed as such.
    fn from(error: QueryError) -> Self {
        DbError::from(error).into()
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::TooLarge { limit } => Self::too_large(limit),
            // what comes in is a body, or what is read from the store itself
            StorageError::Source(cause) => match cause.downcast::<StorageError>() {
                Ok(own) => Self::unavailable(own),
                Err(cause) => Self::unreadable_body(cause.as_ref()),
            },
            StorageError::Key { .. } => Self::internal(error),
            StorageError::NotFound { .. } | StorageError::Local(_) | StorageError::Store(_) => Self::unavailable(error),
        }
    }
}

impl From<KeysError> for ApiError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Database(error) => error.into(),
            KeysError::Sealed(_) | KeysError::New(_) | KeysError::Sign(_) | KeysError::None => Self::internal(error),
        }
    }
}

impl From<redis::RedisError> for ApiError {
    fn from(error: redis::RedisError) -> Self {
        Self::unavailable(error)
    }
}

impl From<TemplateError> for ApiError {
    /// A template that was checked when it was written does not compile any more.
    fn from(error: TemplateError) -> Self {
        Self::unprocessable("template_unusable", error.to_string())
    }
}

impl From<RenderError> for ApiError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::MissingVariable { names } => Self::faults(
                names
                    .into_iter()
                    .map(|name| FieldFault { field: format!("variables.{name}"), message: "is required".to_owned() })
                    .collect(),
            ),
            RenderError::TooLong | RenderError::Blank | RenderError::Conditional | RenderError::Failed { .. } => {
                Self::unprocessable("template_unusable", error.to_string())
            }
        }
    }
}

/// Answers any error a request ended with, and logs it.
pub fn answer(error: poem::Error, request_id: &str) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    let error = match error.downcast::<ApiError>() {
        Ok(error) => error,
        Err(error) => raised::by_poem(error),
    };
    log(&error);
    error.respond(Some(request_id))
}

fn log(error: &ApiError) {
    if error.status.is_server_error() {
        tracing::error!(code = error.code, cause = chain(error.source.as_deref()), "request failed");
    } else {
        tracing::debug!(code = error.code, cause = chain(error.source.as_deref()), "request refused");
    }
}

/// An error and its sources on one line.
fn chain(error: Option<&(dyn StdError + Send + Sync + 'static)>) -> Option<String> {
    let mut next = error.map(|error| error as &(dyn StdError + 'static));
    let mut text = String::new();
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    (!text.is_empty()).then_some(text)
}

/// What any operation may be refused with, for the document.
const DOCUMENTED: &[(u16, &str)] = &[
    (400, "A field is at fault, or the body is not JSON."),
    (401, "No token, or one that is not valid any more."),
    (403, "The role lacks the permission."),
    (404, "No such thing."),
    (409, "Not possible in the present state."),
    (413, "The body is too long."),
    (415, "The body is of another kind."),
    (422, "Understood, and still not possible."),
    (429, "Too often; Retry-After says when."),
    (500, "Our fault."),
    (503, "A part this needs does not answer; try again."),
];

impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        let responses = DOCUMENTED.iter().map(|(status, description)| MetaResponse {
            description,
            status: Some(*status),
            status_range: None,
            content: vec![MetaMediaType { content_type: "application/json", schema: ErrorBody::schema_ref() }],
            headers: Vec::new(),
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        ErrorBody::register(registry);
    }
}
