//! What every request passes on its way in and every answer on its way out, outermost first: paths are put in order,
//! the request is named and logged, headers are added, answers are compressed, errors get their envelope, bodies and
//! time are limited, calls are counted, repeated requests are recognised.
//!
//! Nothing leaves here as an error: from [`answer`] outwards there are only responses.

pub mod accept;
mod answer;
mod client;
mod compress;
mod cors;
mod headers;
pub mod limits;
mod observe;
mod paths;
pub mod rate;
mod text;
pub mod tls;

use crate::{idempotency, state::SharedState};
use poem::{Endpoint, EndpointExt, Response, endpoint::BoxEndpoint, middleware::CookieJarManager};
use std::sync::Arc;

pub use answer::{Methods, panicked};
pub use client::{ClientAddress, IsHead, IsSecure};
pub use observe::{RequestId, asked_by};

/// Puts the edge around the routes.
pub fn around<E>(routes: E, state: &SharedState, methods: Methods) -> BoxEndpoint<'static, Response>
where
    E: Endpoint<Output = Response> + 'static,
{
    let http = &state.config.http;
    let defaults = limits::Defaults { body: http.max_body_bytes, time: http.request_timeout };
    let origins = cors::Origins::new(&http.cors_allowed_origins);
    let proxies: Arc<[_]> = http.trusted_proxies.clone().into();
    let counted = Arc::clone(state);
    // boxed in between: types nest once a layer, and the compiler gives up on them
    let bounded = routes
        .with(CookieJarManager::new())
        .boxed()
        .around(idempotency::once)
        .around(text::without_nul)
        .around(move |next, request| limits::bound(next, request, defaults))
        .around(move |next, request| answer::answered(next, request, methods.clone()))
        .boxed()
        .around(move |next, request| rate::limited(next, request, Arc::clone(&counted)))
        .data(Arc::clone(state))
        .boxed();
    bounded
        .around(compress::compressed)
        .around(move |next, request| cors::cross_origin(next, request, origins.clone()))
        .around(headers::secured)
        .around(observe::observed)
        .around(move |next, request| client::located(next, request, Arc::clone(&proxies)))
        .around(paths::put_in_order)
        .boxed()
}
