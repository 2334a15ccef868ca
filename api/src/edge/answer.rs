//! Turns whatever a request ended with into a response: errors get the envelope, panics become 500 without detail.

use super::observe::RequestId;
use crate::error::{self, ApiError};
use futures_util::FutureExt;
use poem::{
    Endpoint, PathPattern, Request, Response, Result,
    error::MethodNotAllowedError,
    http::{HeaderValue, header},
};
use std::{any::Any, collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

/// Which methods a route answers to, as the `Allow` header tells it, by the route's pattern.
#[derive(Debug, Clone, Default)]
pub struct Methods(pub Arc<HashMap<String, HeaderValue>>);

/// A handler panicked; the message is for the log.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

/// Answers, whatever happens.
pub async fn answered<E>(next: Arc<E>, request: Request, methods: Methods) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    let id = request.data::<RequestId>().cloned();
    let id = id.as_ref().map_or("", |id| &*id.0);
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Ok(refused(error, id, &methods)),
        Err(panic) => Ok(error::answer(panicked(panic.as_ref()).into(), id)),
    }
}

fn refused(error: poem::Error, id: &str, methods: &Methods) -> Response {
    let pattern = error.data::<PathPattern>().cloned();
    let allowed = match &pattern {
        Some(pattern) if error.is::<MethodNotAllowedError>() => methods.0.get(&*pattern.0).cloned(),
        _ => None,
    };
    let mut response = error::answer(error, id);
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    if let Some(pattern) = pattern {
        response.set_data(pattern);
    }
    response
}

/// A panic as an error of the request it ended.
pub fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::internal(Panicked(message))
}
