//! Requests that may be repeated safely: a POST with an `Idempotency-Key` is done once, and its answer given again.
//!
//! Covers every POST of someone signed in, except signing in itself, revealing personal data and the making of keys. Whoever may do or sees
//! something else by now than at first is not given the answer of then. Only answers that went well are kept: a request
//! that was refused or failed had no effect and may be made again with the same key. The request is done in a task of
//! its own, so that a caller who hangs up, and repeats, finds the answer. A crash leaves the key unanswered; it may be
//! claimed again after [`STALE`].

mod fingerprint;
mod keeper;

use crate::{
    auth::guard::authenticate,
    edge::panicked,
    error::{ApiError, ApiResult},
    state::SharedState,
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use keeper::Keeper;
use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};
use schema::idempotency::{self, Claim, First, Key};
use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};
use tracing::Instrument;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// As long as the table keeps them.
const LONGEST_KEY: usize = 200;
/// An unanswered request from longer ago was cut short.
const STALE: TimeDelta = TimeDelta::minutes(5);
/// How often a request under way says so.
const RENEW: Duration = Duration::from_secs(60);
/// Answers are kept this long.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Whether answers hold what is not to be kept: tokens, keys, or personal data in clear.
fn is_exempt(path: &str) -> bool {
    path.starts_with("/api/auth/")
        || path.starts_with("/api/api-keys")
        || path.trim_end_matches('/').ends_with("/reveal")
}

/// Does a request once.
pub async fn once<E>(next: Arc<E>, mut request: Request) -> Result<Response>
where
    E: Endpoint<Output = Response> + 'static,
{
    let is_covered = *request.method() == Method::POST && !is_exempt(request.uri().path());
    let Some(text) = request.headers().get(KEY).filter(|_| is_covered).cloned() else {
        return next.call(request).await;
    };
    let principal = match authenticate(&request).await {
        Ok(principal) => principal,
        // the route refuses whoever is not signed in, unless it is open to all
        Err(error) if error.http_status() == StatusCode::UNAUTHORIZED => return next.call(request).await,
        Err(error) => return Err(error.into()),
    };
    let key = Key { user: principal.user_id, text: read_key(&text)? };
    let fingerprint = fingerprint::of(&mut request, &principal).await?;
    request.set_data(principal);
    let state =
        request.data::<SharedState>().cloned().ok_or_else(|| ApiError::internal("the state is not installed"))?;
    match claim(&state, &key, &fingerprint).await? {
        Claim::Ours(fence) => {
            let keeper = Keeper { state, key, fence };
            let task = tokio::spawn(kept(next, request, keeper).in_current_span());
            task.await.map_err(|error| ApiError::internal(error).into()).and_then(|answer| answer)
        }
        Claim::Theirs(first) => Ok(again(first, &fingerprint)?),
        Claim::Gone => Err(in_progress().into()),
    }
}

fn read_key(text: &HeaderValue) -> ApiResult<String> {
    let readable =
        |key: &&str| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let expected = || ApiError::invalid("Idempotency-Key", format!("expected 1 to {LONGEST_KEY} visible characters"));
    text.to_str().ok().filter(readable).map(str::to_owned).ok_or_else(expected)
}

async fn claim(state: &SharedState, key: &Key, fingerprint: &str) -> ApiResult<Claim> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    Ok(idempotency::claim(&mut connection, key, fingerprint, now, now - STALE, now - KEPT).await?)
}

/// Does the request, and keeps its answer or releases the key.
async fn kept<E>(next: Arc<E>, request: Request, mut keeper: Keeper) -> Result<Response>
where
    E: Endpoint<Output = Response>,
{
    let mut work = pin!(AssertUnwindSafe(next.call(request)).catch_unwind());
    let answer = loop {
        match tokio::time::timeout(RENEW, &mut work).await {
            Ok(answer) => break answer,
            Err(_) => keeper.renew().await,
        }
    };
    match answer {
        Ok(Ok(mut response)) if response.status().as_u16() < 400 => {
            keeper.keep(&mut response).await;
            Ok(response)
        }
        Ok(refused) => {
            keeper.release().await;
            refused
        }
        Err(panic) => {
            keeper.release().await;
            Err(panicked(panic.as_ref()).into())
        }
    }
}

/// The answer of the first request, given again.
fn again(first: First, fingerprint: &str) -> ApiResult<Response> {
    if first.fingerprint != fingerprint {
        let message = "this Idempotency-Key was used for another request; choose a new one";
        return Err(ApiError::unprocessable("idempotency_key_reused", message));
    }
    let Some(status) = first.status else { return Err(in_progress()) };
    let Some(body) = first.body else {
        let message = "the request was done before; its answer was too long to be kept";
        return Err(ApiError::conflict("idempotency_answer_not_kept", message));
    };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(StatusCode::OK)).body(body);
    if let Some(content_type) = first.content_type.and_then(|kind| kind.try_into().ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn in_progress() -> ApiError {
    ApiError::conflict("idempotency_in_progress", "the first request with this Idempotency-Key is still being answered")
        .with_header(header::RETRY_AFTER, 1.into())
}
