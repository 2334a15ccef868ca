//! Signing in, tokens, and who may do what.

use chrono::TimeDelta;
use domain::permissions::{Permission, SystemRole};
use schema::people::users;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::http::{Answer, PASSWORD, TestApi};

async fn login(api: &TestApi, email: &str, password: &str) -> Answer {
    api.post("/api/auth/login").json(&json!({"email": email, "password": password})).send().await
}

#[tokio::test]
async fn the_right_password_gives_a_token_that_works() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let session = login(&api, &format!(" {} ", user.email.to_uppercase()), PASSWORD).await.data(200);
    assert_eq!((&session["tokenType"], &session["expiresIn"]), (&json!("Bearer"), &json!(15 * 60)));
    let names = |value: &Value| value.as_array().unwrap().len();
    assert_eq!(names(&session["user"]["permissions"]), SystemRole::CampaignManager.permissions().iter().count());
    let expected = json!({
        "id": user.id, "email": user.email, "firstName": "Test", "lastName": "User", "role": "campaign_manager",
        "branchId": null, "permissions": SystemRole::CampaignManager.permissions(), "scope": "all",
        "mfaEnabled": false, "mfaRequired": false,
    });
    assert_eq!(session["user"], expected);
    let me = api.get("/api/auth/me/").bearer(session["token"].as_str().unwrap()).send().await.data(200);
    assert_eq!(me, session["user"]);
}

#[tokio::test]
async fn a_wrong_password_and_nobodys_address_are_answered_alike() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let timed = async |email: String| {
        let started = Instant::now();
        let answer = login(&api, &email, "wrong").await;
        let mut error = answer.error(401, "invalid_credentials");
        error["requestId"].take();
        (error, answer.header("www-authenticate").to_owned(), started.elapsed())
    };
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for number in 0..4 {
        known.push(timed(user.email.clone()).await);
        unknown.push(timed(format!("nobody{number}@example.com")).await);
    }
    assert_eq!((&known[0].0, &known[0].1), (&unknown[0].0, &unknown[0].1));
    let fastest = |answers: &[(Value, String, Duration)]| answers.iter().map(|answer| answer.2).min().unwrap();
    let (known, unknown) = (fastest(&known), fastest(&unknown));
    assert!(unknown > known / 4 && known > unknown / 4, "{known:?} {unknown:?}");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_ends_it() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    for _ in 0..4 {
        login(&api, &user.email, "wrong").await.error(401, "invalid_credentials");
    }
    login(&api, &user.email, PASSWORD).await.data(200);
    for _ in 0..5 {
        login(&api, &user.email, "wrong").await.error(401, "invalid_credentials");
    }
    let slowed = login(&api, &user.email, PASSWORD).await;
    slowed.error(429, "too_many_attempts");
    assert!((1..=5).contains(&slowed.header("retry-after").parse().unwrap()));
    let other = api.user(SystemRole::Agent).await;
    login(&api, &other.email, PASSWORD).await.data(200);
}

#[tokio::test]
async fn without_redis_nobody_can_guess() {
    let api = TestApi::with(&[("REDIS_URL", "redis+unix:///nowhere/redis.sock")]).await;
    let user = api.user(SystemRole::Agent).await;
    login(&api, &user.email, PASSWORD).await.error(503, "service_unavailable");
    api.get("/api/auth/me").by(&user).send().await.data(200);
}

#[tokio::test]
async fn a_token_that_does_not_count_is_refused() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let anonymous = api.get("/api/auth/me").send().await;
    anonymous.error(401, "missing_token");
    assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"renewals\"");
    let basic = api.get("/api/auth/me").header("authorization", "Basic dXNlcjpwYXNz").send().await;
    basic.error(401, "missing_token");
    let nonsense = api.get("/api/auth/me").bearer("nonsense").send().await;
    nonsense.error(401, "invalid_token");
    assert!(nonsense.header("www-authenticate").contains("error=\"invalid_token\""));
    let cut = &user.token[..user.token.len() - 1];
    api.get("/api/auth/me").bearer(cut).send().await.error(401, "invalid_token");
    api.state.services.clock.advance(TimeDelta::hours(13));
    api.get("/api/auth/me").by(&user).send().await.error(401, "token_expired");
}

#[tokio::test]
async fn a_suspension_works_within_a_second() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    api.get("/api/auth/me").by(&user).send().await.data(200);
    users::set_active(&mut *api.connection().await, user.id, false).await.unwrap();
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/auth/me").by(&user).send().await.error(401, "session_ended");
    login(&api, &user.email, PASSWORD).await.error(403, "account_not_active");
    login(&api, &user.email, "wrong").await.error(401, "invalid_credentials");
    users::set_active(&mut *api.connection().await, user.id, true).await.unwrap();
    api.get("/api/auth/me").by(&user).send().await.data(200);
}

#[tokio::test]
async fn a_role_without_the_permission_is_told_which() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::ClaimsHandler).await;
    let denied = api.get("/api/templates").by(&user).send().await.error(403, "permission_denied");
    assert_eq!(denied["details"]["permission"], Permission::TemplatesView.as_str());
}
