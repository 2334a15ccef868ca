//! How often somebody may call: told in every answer, shared by all processes, and what an outage of Redis changes.

use api::ApiState;
use domain::permissions::SystemRole;
use poem::http::Method;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tests::http::{Call, TestApi, TestUser, config};
use tokio_util::sync::CancellationToken;

const DOWN: (&str, &str) = ("REDIS_URL", "redis+unix:///nowhere/redis.sock");

#[tokio::test]
async fn every_answer_tells_what_is_left_and_too_many_wait() {
    let api = TestApi::with(&[("RATE_LIMIT_READ", "3/m"), ("RATE_LIMIT_WRITE", "1/m")]).await;
    let (user, other) = (api.user(SystemRole::Agent).await, api.user(SystemRole::Agent).await);
    let me = async |user: &TestUser| api.get("/api/auth/me/").by(user).send().await;
    for left in [2, 1] {
        let answer = me(&user).await;
        answer.data(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"read\";q=3;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"read\";r={left};t=")), "{answer:?}");
    }
    // a refusal counts, and tells as well
    let missing = api.get("/nowhere").by(&user).send().await;
    missing.error(404, "route_not_found");
    assert!(missing.header("ratelimit").starts_with("\"read\";r=0;t="), "{missing:?}");
    let refused = me(&user).await;
    refused.error(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with("\"read\";r=0;t="));
    // other people and other kinds of requests are counted apart
    me(&other).await.data(200);
    let write = || api.call(Method::DELETE, "/api/templates/template-1").by(&user).send();
    assert_ne!(write().await.status.as_u16(), 429);
    write().await.error(429, "rate_limited");
    assert_eq!(api.get("/health").send().await.header("ratelimit"), "", "whoever watches over us is not limited");
}

#[tokio::test]
async fn all_processes_count_together() {
    let variables = [("RATE_LIMIT_READ", "4/m")];
    let api = TestApi::with(&variables).await;
    let user = api.user(SystemRole::Agent).await;
    let config = config(&api.base, api.storage.path(), &variables);
    let state = ApiState::new(config, Arc::clone(&api.state.services)).unwrap();
    for _ in 0..2 {
        api.get("/api/auth/me").by(&user).send().await.data(200);
        Call::to(api::app(Arc::clone(&state)), Method::GET, "/api/auth/me").by(&user).send().await.data(200);
    }
    api.get("/api/auth/me").by(&user).send().await.error(429, "rate_limited");
    Call::to(api::app(state), Method::GET, "/api/auth/me").by(&user).send().await.error(429, "rate_limited");
}

async fn served(api: &TestApi, variables: &[(&str, &str)]) -> (SocketAddr, CancellationToken) {
    let all: Vec<_> = variables.iter().copied().chain([("PORT", "0")]).collect();
    let config = config(&api.base, api.storage.path(), &all);
    let listening = api::listen(config, api.state.services.clone()).await.unwrap();
    let (address, stop) = (listening.address(), CancellationToken::new());
    tokio::spawn(listening.serve(stop.clone()));
    (address, stop)
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

#[tokio::test]
async fn sign_ins_are_limited_by_address_whoever_they_are_for() {
    let api = TestApi::new().await;
    let (address, stop) = served(&api, &[("RATE_LIMIT_AUTH", "3/m"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let client = client();
    let login = async |number: u32, from: &str| {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": "wrong"});
        let url = format!("http://{address}/api/auth/login");
        let call = client.post(url).header("x-forwarded-for", from).json(&body);
        call.send().await.unwrap().status().as_u16()
    };
    for number in 0..3 {
        assert_eq!(login(number, "203.0.113.7").await, 401);
    }
    assert_eq!(login(3, "203.0.113.7").await, 429);
    assert_eq!(login(4, "198.51.100.1, 203.0.113.7").await, 429, "what a client makes up does not count");
    assert_eq!(login(5, "203.0.113.8").await, 401);
    stop.cancel();
}

#[tokio::test]
async fn without_redis_reading_goes_on_and_signing_in_does_not() {
    let api = TestApi::with(&[DOWN]).await;
    let user = api.user(SystemRole::Agent).await;
    let read = api.get("/api/auth/me").by(&user).send().await;
    read.data(200);
    assert_eq!(read.header("ratelimit"), "");
    let (address, stop) = served(&api, &[DOWN]).await;
    for path in ["login", "refresh", "register", "password/forgot", "password/reset", "invitation/accept"] {
        let url = format!("http://{address}/api/auth/{path}");
        let answer = client().post(url).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{path}");
        assert_eq!(answer.headers()["retry-after"], "1", "{path}");
    }
    let health = client().get(format!("http://{address}/health")).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    stop.cancel();
}

#[tokio::test]
async fn addresses_and_headers_have_an_end() {
    let api = TestApi::new().await;
    api.get(&format!("/health?x={}", "a".repeat(9000))).send().await.error(414, "uri_too_long");
    let long = api.get("/health").header("x-long", &"a".repeat(40_000)).send().await;
    long.error(431, "headers_too_large");
}
