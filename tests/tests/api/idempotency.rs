//! The same POST twice is done once.

use chrono::TimeDelta;
use domain::permissions::SystemRole;
use futures_util::future::join_all;
use poem::{
    EndpointExt, Response, Route, handler,
    http::{Method, StatusCode},
    post,
    web::Json,
};
use schema::idempotency::{Claim, Key, claim};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tests::{
    http::{Answer, Call, TestApi, TestUser},
    wait,
};
use tokio_postgres::{Client, NoTls};

fn template(name: &str) -> Value {
    json!({"name": name, "type": "sms", "content": "Hi {name}"})
}

fn create(api: &TestApi, by: &TestUser, key: &str, name: &str) -> Call {
    api.post("/api/templates").by(by).header("idempotency-key", key).json(&template(name))
}

async fn count(api: &TestApi, by: &TestUser) -> i64 {
    api.get("/api/templates").by(by).send().await.data(200)["pagination"]["total"].as_i64().unwrap()
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

/// A connection beside the API's.
async fn beside(api: &TestApi) -> Client {
    let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let api = TestApi::new().await;
    let (one, other) = (api.user(SystemRole::CampaignManager).await, api.user(SystemRole::CampaignManager).await);
    let first = create(&api, &one, "k1", "a").send().await;
    let again = create(&api, &one, "k1", "a").send().await;
    assert_eq!(first.data(201), again.data(201));
    assert_eq!(first.headers["content-type"], again.headers["content-type"]);
    assert!(!is_replayed(&first) && is_replayed(&again));
    let reused = create(&api, &one, "k1", "b").send().await;
    reused.error(422, "idempotency_key_reused");
    let theirs = create(&api, &other, "k1", "a").send().await;
    assert!(!is_replayed(&theirs), "keys of different users never meet");
    create(&api, &one, "k2", "a").send().await.data(201);
    assert_eq!(count(&api, &one).await, 3);
    api.state.services.clock.advance(TimeDelta::hours(25));
    let one = TestUser { token: api.session(one.id).await, ..one };
    let forgotten = create(&api, &one, "k1", "b").send().await;
    assert!(!is_replayed(&forgotten), "keys are kept for a day");
    assert_eq!(count(&api, &one).await, 4);
}

#[tokio::test]
async fn at_once_and_together_still_once() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let answers = join_all((0..12).map(|_| create(&api, &user, "together", "a").send())).await;
    let ids: BTreeSet<_> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .map(|answer| answer.data(201)["templateId"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
        refused.error(409, "idempotency_in_progress");
    }
    assert_eq!(count(&api, &user).await, 1);
}

#[tokio::test]
async fn what_had_no_effect_may_be_tried_again() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    create(&api, &user, "k", "").send().await.error(400, "validation_failed");
    let beside = beside(&api).await;
    beside.batch_execute("ALTER TABLE templates RENAME TO hidden").await.unwrap();
    create(&api, &user, "k", "a").send().await.error(500, "internal_error");
    beside.batch_execute("ALTER TABLE hidden RENAME TO templates").await.unwrap();
    assert!(!is_replayed(&create(&api, &user, "k", "a").send().await));
    assert_eq!(count(&api, &user).await, 1);
}

#[tokio::test]
async fn a_crash_gives_the_key_back_after_a_while() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let now = api.state.services.clock.now();
    let key = Key { user: user.id, text: "k".to_owned() };
    let left = claim(&mut *api.connection().await, &key, "another process", now, now, now).await.unwrap();
    assert!(matches!(left, Claim::Ours(_)));
    create(&api, &user, "k", "a").send().await.error(422, "idempotency_key_reused");
    api.state.services.clock.advance(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    create(&api, &user, "k", "a").send().await.data(201);
    assert!(is_replayed(&create(&api, &user, "k", "a").send().await));
}

#[tokio::test]
async fn a_caller_who_hangs_up_finds_the_answer() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    let mut beside = beside(&api).await;
    let lock = beside.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE templates IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let watcher = self::beside(&api).await;
    let is_claimed = async || !watcher.query("SELECT 1 FROM idempotency_keys", &[]).await.unwrap().is_empty();
    tokio::select! {
        answer = create(&api, &user, "k", "a").send() => panic!("the table is locked: {answer:?}"),
        // dropping the call is what a caller does who hangs up
        () = wait::until("the claim", Duration::from_secs(10), is_claimed) => {}
    }
    create(&api, &user, "k", "a").send().await.error(409, "idempotency_in_progress");
    lock.rollback().await.unwrap();
    let found = wait::until_some("the answer", Duration::from_secs(10), || async {
        let answer = create(&api, &user, "k", "a").send().await;
        (answer.status == StatusCode::CREATED).then_some(answer)
    });
    assert!(is_replayed(&found.await));
    assert_eq!(count(&api, &user).await, 1);
}

#[tokio::test]
async fn keys_are_visible_text_of_some_length() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::CampaignManager).await;
    for key in ["", "with space", &"x".repeat(201)] {
        let refused = create(&api, &user, key, "a").send().await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], "Idempotency-Key");
    }
    create(&api, &user, &"x".repeat(200), "a").send().await.data(201);
    let anonymous = api.post("/api/templates").header("idempotency-key", "k").json(&template("a")).send().await;
    anonymous.error(401, "missing_token");
}

#[handler]
fn panics() -> Response {
    panic!("a secret detail")
}

#[handler]
fn long() -> Json<String> {
    Json("x".repeat(70_000))
}

#[handler]
fn fine() -> &'static str {
    "done"
}

/// The edge around routes that no resource has.
fn odd(api: &TestApi, method: Method, path: &str, user: &TestUser) -> Call {
    let routes = Route::new().at("/panics", post(panics)).at("/long", post(long)).at("/fine", post(fine));
    let endpoint = api::edge::around(routes.map_to_response(), &api.state, api::edge::Methods::default());
    Call::to(endpoint, method, path).by(user).header("idempotency-key", "k")
}

#[tokio::test]
async fn a_panic_gives_the_key_back_and_tells_nothing() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::ReadOnly).await;
    for _ in 0..2 {
        let answer = odd(&api, Method::POST, "/panics", &user).send().await;
        answer.error(500, "internal_error");
        assert!(!answer.json().to_string().contains("secret"));
    }
}

#[tokio::test]
async fn an_answer_too_long_to_keep_is_not_done_again() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::ReadOnly).await;
    let first = odd(&api, Method::POST, "/long", &user).send().await;
    assert_eq!(first.body.len(), 70_002);
    odd(&api, Method::POST, "/long", &user).send().await.error(409, "idempotency_answer_not_kept");
}

#[tokio::test]
async fn uploads_are_the_same_by_their_length() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::ReadOnly).await;
    let upload = |boundary: &str, body: &str| {
        let call = odd(&api, Method::POST, "/fine", &user).header("content-length", &body.len().to_string());
        call.body(&format!("multipart/form-data; boundary={boundary}"), body.to_owned()).send()
    };
    assert_eq!(upload("a", "12345").await.status, StatusCode::OK);
    assert!(is_replayed(&upload("b", "54321").await));
    upload("a", "123456").await.error(422, "idempotency_key_reused");
}
