//! How long bodies and answers may be, and what a failing part of the machine looks like from outside.

use domain::permissions::SystemRole;
use futures_util::stream;
use poem::{Body, Response, Route, handler, http::Method, post};
use poem::{EndpointExt, web::Data};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tests::http::{Call, TestApi};
use tokio::sync::Notify;

/// A body of so many bytes in chunks, whose length is not told.
fn chunked(length: usize) -> Body {
    let chunks = (0..length.div_ceil(1000)).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000]));
    Body::from_bytes_stream(stream::iter(chunks.collect::<Vec<_>>()))
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not() {
    let api = TestApi::with(&[("MAX_BODY_BYTES", "10000")]).await;
    let login = || api.post("/api/auth/login");
    let told = login().header("content-length", "10001").body("application/json", chunked(10_001)).send().await;
    assert_eq!(told.error(413, "body_too_large")["message"], "the body is longer than 10000 bytes");
    login().body("application/json", chunked(11_000)).send().await.error(413, "body_too_large");
    let lying = login().header("content-length", "5").body("application/json", chunked(11_000)).send().await;
    lying.error(413, "body_too_large");
    login().body("application/json", chunked(10_000)).send().await.error(400, "malformed_json");
}

#[tokio::test]
async fn by_default_a_body_may_have_a_mebibyte() {
    let api = TestApi::new().await;
    let login = || api.post("/api/auth/login");
    login().body("application/json", vec![b' '; 1 << 20]).send().await.error(400, "malformed_json");
    login().body("application/json", vec![b' '; (1 << 20) + 1]).send().await.error(413, "body_too_large");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let api = TestApi::new().await;
    let parts = [Ok(b"{".to_vec()), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
    let broken = Body::from_bytes_stream(stream::iter(parts));
    let login = api.post("/api/auth/login").body("application/json", broken);
    login.send().await.error(400, "body_unreadable");
}

#[handler]
async fn never(reached: Data<&Arc<Notify>>) -> Result<(), Infallible> {
    reached.notify_one();
    std::future::pending().await
}

#[handler]
fn panics() -> Response {
    panic!("a secret detail")
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let api = TestApi::with(&[("REQUEST_TIMEOUT", "200ms")]).await;
    let reached = Arc::new(Notify::new());
    let routes = Route::new().at("/never", post(never)).data(Arc::clone(&reached));
    let endpoint = api::edge::around(routes.map_to_response(), &api.state, api::edge::Methods::default());
    let answer = Call::to(endpoint, Method::POST, "/never").send().await;
    answer.error(503, "request_timed_out");
    tokio::time::timeout(Duration::from_secs(5), reached.notified()).await.expect("the route was reached");
}

#[tokio::test]
async fn a_panic_is_answered_without_detail() {
    let api = TestApi::new().await;
    let routes = Route::new().at("/panics", post(panics));
    let endpoint = api::edge::around(routes.map_to_response(), &api.state, api::edge::Methods::default());
    let answer = Call::to(endpoint, Method::POST, "/panics").send().await;
    answer.error(500, "internal_error");
    assert!(!answer.json().to_string().contains("secret"));
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such() {
    let api = TestApi::with(&[("DB_WAIT", "1500ms"), ("DB_POOL", "1")]).await;
    let user = api.user(SystemRole::Analyst).await;
    let held = api.connection().await;
    let answer = api.get("/api/templates").by(&user).send().await;
    answer.error(503, "service_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    drop(held);
    api.get("/api/templates").by(&user).send().await.data(200);
}
