//! What every request passes: ids, headers, slashes, compression, CORS, and the envelope of every error.

use poem::http::Method;
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn health_answers_with_and_without_a_slash() {
    let api = TestApi::new().await;
    for path in ["/health", "/health/", "//health//"] {
        assert_eq!(api.get(path).send().await.data(200)["status"], "ok", "{path}");
    }
    let ready = api.get("/health/ready/").send().await.data(200);
    assert_eq!(ready["checks"]["migrations"]["ok"], true);
}

#[tokio::test]
async fn what_is_missing_makes_it_not_ready() {
    let api = TestApi::with(&[("REDIS_URL", "redis+unix:///nowhere/redis.sock")]).await;
    let error = api.get("/health/ready").send().await.error(503, "not_ready");
    assert_eq!((&error["details"]["database"]["ok"], &error["details"]["redis"]["ok"]), (&json!(true), &json!(false)));
    api.get("/health").send().await.data(200);
}

#[tokio::test]
async fn what_poem_raises_has_the_envelope() {
    let api = TestApi::new().await;
    api.get("/nowhere").send().await.error(404, "route_not_found");
    api.get("/api/nowhere").send().await.error(404, "route_not_found");
    let wrong = api.call(Method::DELETE, "/api/auth/login").send().await;
    wrong.error(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
    let wrong = api.post("/health").send().await;
    wrong.error(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET, HEAD");
    let wrong = api.call(Method::PATCH, "/api/templates/template-1").send().await;
    wrong.error(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "DELETE, GET, HEAD, PUT");
    let login = || api.post("/api/auth/login");
    login().send().await.error(415, "unsupported_media_type");
    login().body("text/plain", "x").send().await.error(415, "unsupported_media_type");
    for body in ["{\"email\":", "", "[1, 2", "\u{0}", "{} x"] {
        login().body("application/json", body).send().await.error(400, "malformed_json");
    }
    let deep = "[".repeat(100_000);
    login().body("application/json", deep).send().await.error(400, "malformed_json");
    let packed = login().header("content-encoding", "gzip").body("application/json", "x").send().await;
    packed.error(415, "unsupported_content_encoding");
}

#[tokio::test]
async fn a_field_at_fault_is_named() {
    let api = TestApi::new().await;
    let error = api.post("/api/auth/login").json(&json!({"email": 5})).send().await.error(400, "validation_failed");
    let expected = json!([
        {"field": "email", "message": "expected text"},
        {"field": "password", "message": "is required"},
    ]);
    assert_eq!(error["details"]["fields"], expected);
    let error = api.post("/api/auth/login").json(&json!([])).send().await.error(400, "validation_failed");
    assert_eq!(error["message"], "expected an object");
}

#[tokio::test]
async fn odd_addresses_and_text_are_refused_and_never_fail() {
    let api = TestApi::new().await;
    let user = api.user(domain::permissions::SystemRole::OperationsManager).await;
    for path in
        ["/api/jobs/%ff", "/api/templates/template-99999999999999999999", "/api/queues/%2F/pause", "/%F0%9F%98%80"]
    {
        let answer = api.get(path).by(&user).send().await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {answer:?}");
    }
    for path in ["/api/jobs?kind=%00", "/api/templates/%00"] {
        api.get(path).by(&user).send().await.error(400, "validation_failed");
    }
    api.get("/api/jobs?kind=%ff&page=%31").by(&user).send().await.data(200);
    api.get("/api/jobs?page=99999999999").by(&user).send().await.error(400, "validation_failed");
    let template = json!({"name": "a\u{0}b", "type": "sms", "content": "x", "variables": ["\u{0}"]});
    let refused = api.post("/api/templates").by(&user).json(&template).send().await.error(400, "validation_failed");
    let expected = json!([
        {"field": "name", "message": "must not contain NUL"},
        {"field": "variables[0]", "message": "must not contain NUL"},
    ]);
    assert_eq!(refused["details"]["fields"], expected);
    let escaped = json!({"name": "a\\u0000b", "type": "sms", "content": "x"});
    api.post("/api/templates").by(&user).json(&escaped).send().await.data(201);
    api.call("BREW".parse().unwrap(), "/health").send().await.error(405, "method_not_allowed");
}

#[tokio::test]
async fn a_well_formed_request_id_is_kept_and_another_replaced() {
    let api = TestApi::new().await;
    let given = api.get("/health").header("x-request-id", "trace-1.a_B").send().await;
    assert_eq!(given.header("x-request-id"), "trace-1.a_B");
    for bad in ["", "with space", "x\"y", &"x".repeat(65)] {
        let answer = api.get("/nowhere").header("x-request-id", bad).send().await;
        answer.error(404, "route_not_found");
        assert_eq!(answer.header("x-request-id").len(), 36, "{bad:?}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_safe() {
    let api = TestApi::new().await;
    for answer in [api.get("/health").send().await, api.get("/nowhere").send().await] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("server"), "", "no version banner");
    }
}

#[tokio::test]
async fn long_text_is_compressed_and_short_is_not() {
    let api = TestApi::new().await;
    let plain = api.get("/api/openapi.json").send().await;
    assert_eq!(plain.header("content-encoding"), "");
    for (accepted, expected) in [("gzip, br", "br"), ("gzip", "gzip"), ("identity", ""), ("*", "br")] {
        let answer = api.get("/api/openapi.json").header("accept-encoding", accepted).send().await;
        assert_eq!(answer.header("content-encoding"), expected, "{accepted}");
        assert_eq!(answer.header("vary"), "accept-encoding, origin");
        assert_eq!(expected.is_empty(), answer.body == plain.body);
        assert!(expected.is_empty() || answer.body.len() * 4 < plain.body.len());
    }
    let short = api.get("/health").header("accept-encoding", "gzip, br").send().await;
    assert_eq!(short.header("content-encoding"), "");
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let api = TestApi::new().await;
    let head = api.call(Method::HEAD, "/api/openapi.json").header("accept-encoding", "br").send().await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-encoding"), "");
}

#[tokio::test]
async fn no_page_of_another_origin_may_call_unless_configured() {
    let api = TestApi::new().await;
    let answer = api.get("/health").header("origin", "https://elsewhere.example").send().await;
    answer.data(200);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let preflight = api.call(Method::OPTIONS, "/api/templates").header("origin", "https://elsewhere.example");
    preflight.header("access-control-request-method", "POST").send().await.error(403, "origin_not_allowed");

    let api = TestApi::with(&[("CORS_ALLOWED_ORIGINS", "https://app.example, http://localhost:3000")]).await;
    let preflight = |origin| {
        let call = api.call(Method::OPTIONS, "/api/templates/").header("origin", origin);
        call.header("access-control-request-method", "PUT").header("access-control-request-headers", "x").send()
    };
    let allowed = preflight("https://app.example").await;
    assert_eq!(allowed.status.as_u16(), 204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert!(allowed.header("access-control-allow-methods").contains("PUT"));
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "true", "cookies of /api/auth");
    assert!(allowed.header("access-control-allow-headers").contains("x-csrf-token"));
    preflight("https://app.example.evil").await.error(403, "origin_not_allowed");
    let refused = api.get("/api/templates").header("origin", "http://localhost:3000").send().await;
    refused.error(401, "missing_token");
    assert_eq!(refused.header("access-control-allow-origin"), "http://localhost:3000", "errors can be read too");
    assert_eq!(refused.header("vary"), "accept-encoding, origin");
}
