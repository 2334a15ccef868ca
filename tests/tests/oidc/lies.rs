//! What does not count: tokens, answers and ways back that are not what they should be.

use crate::{
    browser::{Begun, SECRET, api, begin, identities, person},
    issuer::{Issuer, Key},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::http::{Answer, TestApi};

async fn arrive(api: &TestApi, issuer: &Issuer, begun: &Begun, token: String) -> Answer {
    issuer.says.lock().unwrap().token = token;
    begun.with_code(api).header("accept", "application/json").send().await
}

fn now(api: &TestApi) -> i64 {
    api.state.services.clock.now().timestamp()
}

/// Begins, has the honest claims changed, and comes back with them signed.
async fn with_claims(api: &TestApi, issuer: &Issuer, key: &Key, change: impl FnOnce(&mut Value)) -> Answer {
    let begun = begin(api, "/").await;
    let mut claims = issuer.claims(&begun.parameter("nonce"), now(api));
    change(&mut claims);
    arrive(api, issuer, &begun, key.sign(&claims)).await
}

#[tokio::test]
async fn a_token_counts_only_if_all_of_it_is_right() {
    let key = Key::new("one");
    let issuer = Issuer::new(&key).await;
    let api = api(&issuer.address, &[]).await;
    person(&api, SystemRole::Agent, "alice@example.com").await;
    let time = now(&api);
    let lies: [(&str, Value); 11] = [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("another")),
        ("aud", json!(["renewals", "another"])),
        ("azp", json!("another")),
        ("iss", json!("https://another.example")),
        // of the issuer, but for the slash
        ("iss", json!(format!("{}/", issuer.address))),
        ("exp", json!(time - 31)),
        ("iat", json!(time + 60)),
        ("sub", json!("")),
        ("sub", json!("s".repeat(256))),
    ];
    for (claim, lie) in lies {
        let answer = with_claims(&api, &issuer, &key, |claims| claims[claim] = lie.clone()).await;
        assert_eq!(answer.status.as_u16(), 401, "{claim} {lie}: {answer:?}");
        answer.error(401, "sign_in_refused");
    }
    // another key under the same name
    with_claims(&api, &issuer, &Key::new("one"), |_| {}).await.error(401, "sign_in_refused");
    // not signed at all; signed with what everybody knows; not even a token
    let unsigned = |header: &Value, claims: &Value| {
        format!("{}.{}.", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
    };
    let by_public = |claims: &Value, secret: &[u8]| {
        let header = Header { kid: Some("one".to_owned()), ..Header::default() };
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    type Forgery<'a> = &'a dyn Fn(&Value) -> String;
    let forgeries: [Forgery<'_>; 5] = [
        &|claims| unsigned(&json!({"alg": "none"}), claims),
        &|claims| unsigned(&json!({"alg": "none", "kid": "one"}), claims),
        &|claims| by_public(claims, key.x().as_bytes()),
        &|claims| by_public(claims, SECRET.as_bytes()),
        &|_| "nonsense".to_owned(),
    ];
    for forge in forgeries {
        let begun = begin(&api, "/").await;
        let claims = issuer.claims(&begun.parameter("nonce"), now(&api));
        arrive(&api, &issuer, &begun, forge(&claims)).await.error(401, "sign_in_refused");
    }
    assert_eq!(identities(&api).await, 0);
    let session = with_claims(&api, &issuer, &key, |_| {}).await.data(200);
    assert_eq!(session["user"]["email"], "alice@example.com");
    assert_eq!(identities(&api).await, 1);
}

#[tokio::test]
async fn the_code_is_bound_to_who_asked_for_it() {
    let key = Key::new("one");
    let issuer = Issuer::new(&key).await;
    let api = api(&issuer.address, &[]).await;
    person(&api, SystemRole::Agent, "alice@example.com").await;
    let begun = begin(&api, "/").await;
    let claims = issuer.claims(&begun.parameter("nonce"), now(&api));
    arrive(&api, &issuer, &begun, key.sign(&claims)).await.data(200);
    let form = issuer.says.lock().unwrap().form.clone();
    assert_eq!(begun.parameter("code_challenge_method"), "S256");
    assert_eq!(begun.parameter("code_challenge"), BASE64.encode(Sha256::digest(&form["code_verifier"])));
    assert_eq!((form["client_secret"].as_str(), form["code"].as_str()), (SECRET, "good"));
    assert_eq!(form["redirect_uri"], begun.parameter("redirect_uri"));
}

#[tokio::test]
async fn new_keys_are_read_when_they_are_met_and_not_more_often() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::new(&old).await;
    let api = api(&issuer.address, &[]).await;
    person(&api, SystemRole::Agent, "alice@example.com").await;
    let reads = || issuer.says.lock().unwrap().reads;
    for _ in 0..2 {
        with_claims(&api, &issuer, &old, |_| {}).await.data(200);
    }
    assert_eq!(reads(), 1);
    issuer.says.lock().unwrap().keys = vec![new.public()];
    api.state.services.clock.advance(TimeDelta::seconds(10));
    with_claims(&api, &issuer, &new, |_| {}).await.data(200);
    assert_eq!(reads(), 2);
    // what the issuer has withdrawn counts no more; nobody's key is looked for once in ten seconds
    for _ in 0..3 {
        with_claims(&api, &issuer, &Key::new("nobody's"), |_| {}).await.error(401, "sign_in_refused");
        with_claims(&api, &issuer, &old, |_| {}).await.error(401, "sign_in_refused");
    }
    assert_eq!(reads(), 2);
    api.state.services.clock.advance(TimeDelta::seconds(10));
    with_claims(&api, &issuer, &Key::new("nobody's"), |_| {}).await.error(401, "sign_in_refused");
    assert_eq!(reads(), 3);
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_in_time() {
    let key = Key::new("one");
    let issuer = Issuer::new(&key).await;
    let api = api(&issuer.address, &[]).await;
    person(&api, SystemRole::Agent, "alice@example.com").await;
    let begun = begin(&api, "/").await;
    let token = key.sign(&issuer.claims(&begun.parameter("nonce"), now(&api)));
    arrive(&api, &issuer, &begun, token.clone()).await.data(200);
    arrive(&api, &issuer, &begun, token).await.error(401, "sign_in_over");
    // somebody is made to follow the way back of a sign-in that another has begun
    for cookie in ["", "renewals_oidc=", "renewals_oidc=guessed."] {
        let begun = begin(&api, "/").await;
        let path = format!("/api/auth/oidc/oidc/callback?code=good&state={}", begun.parameter("state"));
        api.get(&path).header("cookie", cookie).send().await.error(401, "other_browser");
    }
    let (one, other) = (begin(&api, "/").await, begin(&api, "/").await);
    let crossed = Begun { url: one.url.clone(), cookie: other.cookie.clone() };
    crossed.with_code(&api).send().await.error(401, "other_browser");
    let late = begin(&api, "/").await;
    api.state.services.clock.advance(TimeDelta::minutes(10));
    late.with_code(&api).send().await.error(401, "sign_in_over");
    late.back(&api, "code=good").send().await.error(400, "validation_failed");
    late.back(&api, "code=good&state=made-up").send().await.error(401, "sign_in_over");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let issuer = Issuer::new(&Key::new("one")).await;
    let api = api(&issuer.address, &[]).await;
    for elsewhere in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/%09/evil.example", "evil"] {
        let answer = api.get(&format!("/api/auth/oidc/oidc/start?returnTo={elsewhere}")).send().await;
        answer.error(400, "validation_failed");
    }
    api.get("/api/auth/oidc/auth0/start").send().await.error(404, "not_found");
}

#[tokio::test]
async fn an_issuer_that_cannot_be_trusted_is_not_asked() {
    let issuer = Issuer::new(&Key::new("one")).await;
    issuer.says.lock().unwrap().name = Some("https://another.example".to_owned());
    let other = api(&issuer.address, &[]).await;
    other.get("/api/auth/oidc/oidc/start").send().await.error(503, "service_unavailable");
    let nobody = api("http://127.0.0.1:1", &[]).await;
    nobody.get("/api/auth/oidc/oidc/start").send().await.error(503, "service_unavailable");
}
