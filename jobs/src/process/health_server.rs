//! `/health` and `/health/ready` of programs that serve nothing else.
//!
//! Fails only if the address cannot be listened on.

use super::health::Health;
use poem::{
    EndpointExt, IntoResponse, Response, Route, Server, get, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    web::{Data, Json},
};
use serde_json::json;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Open probes may go on this long after a signal to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// Listens at once, then answers in a task until `shutdown`. Gives the address, for callers that asked for port 0.
pub async fn start(address: SocketAddr, health: Health, shutdown: CancellationToken) -> std::io::Result<SocketAddr> {
    let acceptor = TcpListener::bind(address).into_acceptor().await?;
    let listening = acceptor.local_addr().iter().find_map(|local| local.as_socket_addr().copied()).unwrap_or(address);
    let app = Route::new()
        .at("/health", get(alive))
        .at("/health/", get(alive))
        .at("/health/ready", get(ready))
        .at("/health/ready/", get(ready))
        .data(health)
        .data(Started(Instant::now()));
    tokio::spawn(async move {
        let server = Server::new_with_acceptor(acceptor);
        if let Err(error) = server.run_with_graceful_shutdown(app, shutdown.cancelled_owned(), Some(DRAIN)).await {
            tracing::error!(%error, "the health server stopped");
        }
    });
    Ok(listening)
}

#[derive(Clone, Copy)]
struct Started(Instant);

#[handler]
fn alive(started: Data<&Started>) -> Json<serde_json::Value> {
    let up = started.0.0.elapsed().as_secs();
    Json(json!({"success": true, "data": {"status": "ok", "version": env!("CARGO_PKG_VERSION"), "uptimeSeconds": up}}))
}

#[handler]
async fn ready(health: Data<&Health>) -> Response {
    let readiness = health.readiness().await;
    if readiness.is_ready() {
        return Json(json!({"success": true, "data": {"status": "ready", "checks": readiness}})).into_response();
    }
    let error = json!({"code": "not_ready", "message": "a dependency is not ready", "details": readiness});
    Json(json!({"success": false, "error": error})).with_status(StatusCode::SERVICE_UNAVAILABLE).into_response()
}
