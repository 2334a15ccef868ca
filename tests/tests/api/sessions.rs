//! Sessions: they live on by refresh tokens that count once, and end everywhere within a second.

use chrono::TimeDelta;
use domain::permissions::SystemRole;
use poem::http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{
    http::{Answer, PASSWORD, TestApi, TestUser},
    wait::until,
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

async fn sign_in(api: &TestApi, user: &TestUser, more: Value) -> Answer {
    let mut body = json!({"email": user.email, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.post("/api/auth/login").header("user-agent", FIREFOX).from("203.0.113.7").json(&body).send().await
}

async fn refresh(api: &TestApi, token: &str) -> Answer {
    api.post("/api/auth/refresh").json(&json!({"refreshToken": token})).send().await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_session_lives_on_by_refresh_tokens() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let first = sign_in(&api, &user, json!({})).await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(20));
    api.get("/api/auth/me").bearer(text(&first["token"])).send().await.error(401, "token_expired");
    let second = refresh(&api, text(&first["refreshToken"])).await.data(200);
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    let me = api.get("/api/auth/me").bearer(text(&second["token"])).send().await.data(200);
    assert_eq!(me["email"], user.email);
    assert!(second["sessionExpiresIn"].as_i64().unwrap() < first["sessionExpiresIn"].as_i64().unwrap());
}

#[tokio::test]
async fn a_refresh_token_shown_twice_ends_the_session_of_both_who_hold_it() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let stolen = sign_in(&api, &user, json!({})).await.data(200);
    let thief = refresh(&api, text(&stolen["refreshToken"])).await.data(200);
    api.get("/api/auth/me").bearer(text(&thief["token"])).send().await.data(200);
    refresh(&api, text(&stolen["refreshToken"])).await.error(401, "token_reused");
    api.get("/api/auth/me").bearer(text(&thief["token"])).send().await.error(401, "session_ended");
    refresh(&api, text(&thief["refreshToken"])).await.error(401, "session_ended");
    refresh(&api, text(&stolen["refreshToken"])).await.error(401, "session_ended");
    // a session of theirs on another device goes on
    api.get("/api/auth/me").by(&user).send().await.data(200);
}

#[tokio::test]
async fn of_two_who_refresh_at_once_one_gets_through() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let session = sign_in(&api, &user, json!({})).await.data(200);
    let token = text(&session["refreshToken"]);
    let (one, other) = tokio::join!(refresh(&api, token), refresh(&api, token));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_and_so_does_one_that_is_too_old() {
    let api = TestApi::with(&[("SESSION_IDLE_TIMEOUT", "1h"), ("SESSION_LIFETIME", "100m")]).await;
    let user = api.user(SystemRole::Agent).await;
    let idle = sign_in(&api, &user, json!({})).await.data(200);
    let mut used = sign_in(&api, &user, json!({})).await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(50));
    used = refresh(&api, text(&used["refreshToken"])).await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(11));
    refresh(&api, text(&idle["refreshToken"])).await.error(401, "session_ended");
    used = refresh(&api, text(&used["refreshToken"])).await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(40));
    refresh(&api, text(&used["refreshToken"])).await.error(401, "session_ended");
}

#[tokio::test]
async fn what_is_ended_here_is_over_in_every_process_within_a_second() {
    let api = TestApi::new().await;
    let elsewhere = api.another();
    let user = api.user(SystemRole::Agent).await;
    let session = sign_in(&api, &user, json!({})).await.data(200);
    let token = text(&session["token"]).to_owned();
    let asked = async || elsewhere.call(Method::GET, "/api/auth/me").bearer(&token).send().await.status.as_u16();
    assert_eq!(asked().await, 200);
    api.post("/api/auth/logout").bearer(&token).send().await.data(200);
    api.get("/api/auth/me").bearer(&token).send().await.error(401, "session_ended");
    let ended = Instant::now();
    until("the other process knows", Duration::from_secs(2), async || asked().await == 401).await;
    assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
    refresh(&api, text(&session["refreshToken"])).await.error(401, "session_ended");
}

#[tokio::test]
async fn people_see_their_devices_and_end_them() {
    let api = TestApi::new().await;
    let (user, other) = (api.user(SystemRole::Agent).await, api.user(SystemRole::Agent).await);
    let phone = sign_in(&api, &user, json!({})).await.data(200);
    let listed = api.get("/api/auth/sessions").by(&user).send().await.data(200);
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let named = sessions.iter().find(|session| session["deviceName"] == "Firefox on Linux").expect("the phone");
    assert_eq!((&named["isCurrent"], &named["ipAddress"]), (&json!(false), &json!("203.0.113.7")));
    let path = format!("/api/auth/sessions/{}", text(&named["id"]));
    api.delete(&path).by(&other).send().await.error(404, "not_found");
    api.delete(&path).by(&user).send().await.data(200);
    api.get("/api/auth/me").bearer(text(&phone["token"])).send().await.error(401, "session_ended");
    api.delete(&path).by(&user).send().await.error(404, "not_found");
    let third = sign_in(&api, &user, json!({})).await.data(200);
    assert_eq!(api.delete("/api/auth/sessions").by(&user).send().await.data(200)["ended"], 1);
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/auth/me").bearer(text(&third["token"])).send().await.error(401, "session_ended");
    api.get("/api/auth/me").by(&user).send().await.data(200);
}

/// A cookie of an answer, as the browser sends it back.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let set = set.into_iter().find(|cookie| cookie.starts_with(name)).expect("the cookie");
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/api/auth"] {
        assert!(set.contains(attribute), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_keeps_the_refresh_token_where_no_script_reads_it_and_no_other_site_uses_it() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let answer = sign_in(&api, &user, json!({"cookie": true})).await;
    let session = answer.data(200);
    assert_eq!((&session["refreshToken"], &session["deviceToken"]), (&Value::Null, &Value::Null));
    let kept = cookie(&answer, "renewals_refresh");
    let asked = || api.post("/api/auth/refresh").header("cookie", &kept).json(&json!({}));
    asked().send().await.error(403, "csrf_token_invalid");
    asked().header("x-csrf-token", "guessed").send().await.error(403, "csrf_token_invalid");
    let told = api.get("/api/auth/csrf").header("cookie", &kept).send().await.data(200);
    assert_eq!(told["csrfToken"], session["csrfToken"]);
    let csrf = text(&told["csrfToken"]);
    let foreign = asked().header("x-csrf-token", csrf).header("host", "api.example.com");
    foreign.header("origin", "https://evil.example").send().await.error(403, "origin_not_allowed");
    let own = asked().header("x-csrf-token", csrf).header("host", "api.example.com");
    let next = own.header("origin", "https://api.example.com").send().await;
    let refreshed = next.data(200);
    assert_eq!(refreshed["refreshToken"], Value::Null);
    let again = cookie(&next, "renewals_refresh");
    assert_ne!(kept, again);
    let out = api.post("/api/auth/logout").bearer(text(&refreshed["token"])).send().await;
    out.data(200);
    assert!(cookie(&out, "renewals_refresh").ends_with('='), "{out:?}");
}

#[tokio::test]
async fn a_token_that_is_nobodys_is_refused() {
    let api = TestApi::new().await;
    refresh(&api, "rnr_nonsense").await.error(401, "session_ended");
    api.post("/api/auth/refresh").json(&json!({})).send().await.error(401, "missing_token");
    api.get("/api/auth/csrf").send().await.error(401, "missing_token");
}
