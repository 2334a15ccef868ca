//! Passwords that were forgotten, changed or will not do, and hashes that are made anew.

use chrono::TimeDelta;
use domain::permissions::SystemRole;
use schema::people::holders;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{
    http::{Answer, PASSWORD, TestApi},
    mail,
};

const OTHER: &str = "lamp otter violin 48 gravel";

async fn login(api: &TestApi, email: &str, password: &str) -> Answer {
    api.post("/api/auth/login").json(&json!({"email": email, "password": password})).send().await
}

async fn forgot(api: &TestApi, email: &str) -> Answer {
    api.post("/api/auth/password/forgot").json(&json!({"email": email})).send().await
}

async fn reset(api: &TestApi, token: &str, password: &str) -> Answer {
    api.post("/api/auth/password/reset").json(&json!({"token": token, "password": password})).send().await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_by_a_link_and_every_device_is_signed_out() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let known = login(&api, &user.email, PASSWORD).await.data(200)["deviceToken"].as_str().unwrap().to_owned();
    forgot(&api, &format!(" {} ", user.email.to_uppercase())).await.data(202);
    let mails = mail::deliver(&api).await;
    let [link] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((link.to.as_str(), link.subject.as_str()), (user.email.as_str(), "Choose a new password"));
    let token = link.token();
    let weak = reset(&api, &token, "password1234").await.error(400, "validation_failed");
    assert_eq!(weak["details"]["fields"][0]["field"], "password");
    let same = reset(&api, &token, PASSWORD).await.error(400, "validation_failed");
    assert!(same["message"].as_str().unwrap().contains("was used before"), "{same}");
    let done = reset(&api, &token, OTHER).await.data(200);
    assert_eq!(done, json!({"changed": true, "sessionsEnded": 2}));
    reset(&api, &token, "another lamp otter 49").await.error(422, "link_expired");
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/auth/me").by(&user).send().await.error(401, "session_ended");
    login(&api, &user.email, PASSWORD).await.error(401, "invalid_credentials");
    let again = json!({"email": user.email, "password": OTHER, "deviceToken": known});
    let session = api.post("/api/auth/login").json(&again).send().await.data(200);
    assert!(session["deviceToken"].is_string(), "the device was forgotten, and gets another token");
    let subjects: Vec<String> = mail::deliver(&api).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["Your password was changed"]);
    let (client, connection) = tokio_postgres::connect(api.base.database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let rows = client.query("SELECT actor_id FROM audit_log WHERE action = 'user.password_reset'", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [user.id.0]);
}

#[tokio::test]
async fn whether_an_address_has_an_account_shows_neither_in_the_answer_nor_in_its_time() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let timed = async |email: &str| {
        let started = Instant::now();
        let answer = forgot(&api, email).await;
        (answer.data(202), started.elapsed())
    };
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for _ in 0..8 {
        known.push(timed(&user.email).await);
        unknown.push(timed("nobody@example.com").await);
    }
    assert_eq!(known[0].0, unknown[0].0);
    let fastest = |all: &[(Value, Duration)]| all.iter().map(|answer| answer.1).min().unwrap();
    let (known, unknown) = (fastest(&known), fastest(&unknown));
    assert!(unknown > known / 4 && known > unknown / 4, "{known:?} {unknown:?}");
    // nobody is flooded by it
    let mails = mail::deliver(&api).await;
    assert!((1..8).contains(&mails.len()), "{}", mails.len());
    assert!(mails.iter().all(|mail| mail.to == user.email));
}

#[tokio::test]
async fn an_account_is_sent_few_links_an_hour() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let mut sent = 0;
    for _ in 0..5 {
        forgot(&api, &user.email).await.data(202);
        sent += mail::deliver(&api).await.len();
    }
    assert_eq!(sent, 3);
    api.state.services.clock.advance(TimeDelta::minutes(61));
    forgot(&api, &user.email).await.data(202);
    let late = mail::deliver(&api).await;
    assert_eq!(late.len(), 1);
    api.state.services.clock.advance(TimeDelta::minutes(31));
    reset(&api, &late[0].token(), OTHER).await.error(422, "link_expired");
    reset(&api, "rna_nonsense", OTHER).await.error(422, "link_expired");
}

#[tokio::test]
async fn whoever_knows_the_password_changes_it_and_ends_all_other_sessions() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let elsewhere = api.session(user.id).await;
    let change = async |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        api.post("/api/auth/password/change").by(&user).json(&body).send().await
    };
    change("wrong", OTHER).await.error(403, "wrong_password");
    let weak = change(PASSWORD, "password1234").await.error(400, "validation_failed");
    assert_eq!(weak["details"]["fields"][0]["field"], "new");
    assert_eq!(change(PASSWORD, OTHER).await.data(200)["sessionsEnded"], 1);
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/auth/me").by(&user).send().await.data(200);
    api.get("/api/auth/me").bearer(&elsewhere).send().await.error(401, "session_ended");
    let used = change(OTHER, PASSWORD).await.error(400, "validation_failed");
    assert!(used["message"].as_str().unwrap().contains("last 5"), "{used}");
    // five others later it may be chosen again
    let mut current = OTHER.to_owned();
    for number in 1..5 {
        let next = format!("{OTHER} and {number} more");
        change(&current, &next).await.data(200);
        current = next;
    }
    change(&current, PASSWORD).await.data(200);
    let mails = mail::deliver(&api).await;
    assert!(mails.iter().all(|mail| mail.subject == "Your password was changed"), "{mails:?}");
    assert_eq!(mails.len(), 6);
}

#[tokio::test]
async fn guessing_the_present_password_from_an_open_browser_is_slowed_down() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::Agent).await;
    let body = json!({"current": "wrong", "new": OTHER});
    let guess = async || api.post("/api/auth/password/change").by(&user).json(&body).send().await;
    for _ in 0..5 {
        guess().await.error(403, "wrong_password");
    }
    guess().await.error(429, "too_many_attempts");
    login(&api, &user.email, PASSWORD).await.data(200);
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in() {
    let api = TestApi::with(&[("ARGON2_PASSES", "1"), ("ARGON2_MEMORY_KIB", "8192")]).await;
    let user = api.user(SystemRole::Agent).await;
    let stored = async || {
        let holder = holders::by_id(&mut *api.connection().await, user.id).await.unwrap().unwrap();
        holder.password_hash.unwrap()
    };
    assert!(stored().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    login(&api, &user.email, "wrong").await.error(401, "invalid_credentials");
    assert!(stored().await.contains("m=19456"));
    login(&api, &user.email, PASSWORD).await.data(200);
    let renewed = stored().await;
    assert!(renewed.starts_with("$argon2id$v=19$m=8192,t=1,p=1$"), "{renewed}");
    login(&api, &user.email, PASSWORD).await.data(200);
    assert_eq!(stored().await, renewed);
}
