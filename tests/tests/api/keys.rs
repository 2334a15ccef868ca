//! Keys are replaced: those that seal secrets at rest, and those that sign access tokens. And what is old is pruned.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use jobs::{
    NewJob,
    kinds::{registry, reseal_secrets::ResealSecrets, rotate_token_keys::RotateTokenKeys},
    process::config::RetentionConfig,
    queue::{admin, retention},
    security::sealing::Place,
    services::SharedServices,
};
use schema::sealed;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    base::Base,
    crew::{Feeder, Workers},
    diesel_schema::connect,
    http::TestApi,
};
use tokio_postgres::Client;
use workers::WorkerConfig;

const OLD: (&str, u8) = ("old", 1);
const NEW: (&str, u8) = ("new", 2);

/// As `SEALING_KEYS` has them.
fn ring(keys: &[(&str, u8)]) -> String {
    let keys = keys.iter().map(|(id, byte)| format!("{id}:{}", BASE64.encode([*byte; 32])));
    keys.collect::<Vec<_>>().join(",")
}

/// What a program with that ring has, over the same servers.
fn services(base: &Base, keys: &[(&str, u8)]) -> SharedServices {
    let files = tempfile::tempdir().unwrap();
    base.services(files.path(), &[("SEALING_KEYS", &ring(keys))])
}

async fn run(services: &SharedServices, job: NewJob) -> Value {
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let id = services.enqueue_now(&[job]).await.unwrap()[0].id;
    let ended = admin::wait(services, id, Duration::from_secs(30)).await.unwrap().unwrap();
    workers.stop().await;
    ended.result.unwrap_or_else(|| panic!("{:?} {:?}", ended.state, ended.error))
}

async fn reseal(services: &SharedServices) -> Value {
    run(services, NewJob::of(&ResealSecrets {}).unwrap()).await
}

async fn uses(services: &SharedServices) -> Vec<(String, i64)> {
    let uses = sealed::uses(&mut services.db.get().await.unwrap()).await.unwrap();
    uses.into_iter().map(|used| (used.key, used.texts)).collect()
}

/// People with a sealed secret each.
async fn seal_for(services: &SharedServices, client: &Client, count: i64) {
    client
        .execute(
            "INSERT INTO users (email, first_name, last_name) \
             SELECT 'u' || n || '@example.com', 'A', 'B' FROM generate_series(1, $1::BIGINT) n",
            &[&count],
        )
        .await
        .unwrap();
    for row in client.query("SELECT id FROM users", &[]).await.unwrap() {
        let id: i64 = row.get(0);
        let text = services.security.key_ring.seal(&place(&id.to_string()), &format!("secret {id}").into()).unwrap();
        client.execute("UPDATE users SET mfa_secret = $2 WHERE id = $1", &[&id, &text]).await.unwrap();
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "users", column: "mfa_secret", row }
}

#[tokio::test]
async fn everything_stays_readable_when_the_old_key_leaves_the_ring() {
    let base = Base::new().await;
    let client = connect(base.database.url()).await;
    seal_for(&services(&base, &[OLD]), &client, 700).await;
    let both = services(&base, &[NEW, OLD]);
    assert_eq!(uses(&both).await, [("old".to_owned(), 700)]);
    assert_eq!(reseal(&both).await, json!({"key": "new", "resealed": 700, "unreadable": 0}));
    assert_eq!(uses(&both).await, [("new".to_owned(), 700)]);
    assert_eq!(reseal(&both).await["resealed"], 0, "again there is nothing to do");
    let only_new = services(&base, &[NEW]);
    for row in client.query("SELECT id, mfa_secret FROM users", &[]).await.unwrap() {
        let (id, text): (i64, String) = (row.get(0), row.get(1));
        let plain = only_new.security.key_ring.open(&place(&id.to_string()), &text).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&plain), format!("secret {id}"));
    }
}

#[tokio::test]
async fn what_does_not_open_or_has_changed_meanwhile_is_left_alone() {
    let base = Base::new().await;
    let client = connect(base.database.url()).await;
    seal_for(&services(&base, &[("lost", 9)]), &client, 2).await;
    let both = services(&base, &[NEW, OLD]);
    assert_eq!(reseal(&both).await, json!({"key": "new", "resealed": 0, "unreadable": 2}));
    assert_eq!(uses(&both).await, [("lost".to_owned(), 2)]);
    // compare-and-set: a text that is not the one that was read is not written over
    let column = &sealed::COLUMNS[0];
    let row = client.query_one("SELECT id::TEXT, mfa_secret::TEXT FROM users LIMIT 1", &[]).await.unwrap();
    let (row, kept): (String, String) = (row.get(0), row.get(1));
    let stale = sealed::Resealed { place: row.clone(), old: "v1.old.x".to_owned(), new: "v1.new.x".to_owned() };
    let mut connection = both.db.get().await.unwrap();
    assert_eq!(sealed::replace(&mut connection, column, &[stale]).await.unwrap(), 0);
    let right = sealed::Resealed { place: row, old: kept, new: "v1.new.x".to_owned() };
    assert_eq!(sealed::replace(&mut connection, column, &[right]).await.unwrap(), 1);
}

#[tokio::test]
async fn the_keys_of_tokens_are_sealed_anew_and_sign_on() {
    let old = ring(&[OLD]);
    let api = TestApi::with(&[("SEALING_KEYS", &old)]).await;
    let user = api.user(SystemRole::Agent).await;
    let both = services(&api.base, &[NEW, OLD]);
    assert_eq!(reseal(&both).await["resealed"], 1);
    let only_new = services(&api.base, &[NEW]);
    let keys = api::auth::token_keys::Keys::new(only_new.db.clone(), only_new.security.key_ring.clone());
    let signing = keys.signing(api.state.services.clock.now()).await.unwrap();
    assert!(!signing.id.is_empty());
    api.get("/api/auth/me").by(&user).send().await.data(200);
}

/// In a month's time.
fn later(api: &TestApi, time: TimeDelta) {
    api.state.services.clock.advance(time);
}

#[tokio::test]
async fn a_token_of_the_key_before_counts_until_that_is_retired() {
    let api = TestApi::with(&[("ACCESS_TOKEN_LIFETIME", "1h")]).await;
    let client = connect(api.base.database.url()).await;
    let user = api.user(SystemRole::Agent).await;
    let kid = |token: &str| {
        let header = token.split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let first = kid(&user.token);
    let services = &api.state.services;
    let rotate = async || run(services, NewJob::of(&RotateTokenKeys {}).unwrap()).await;
    assert_eq!(rotate().await["newKey"], Value::Null, "the key is young");

    client.execute("UPDATE token_keys SET signs_from = signs_from - interval '31 days'", &[]).await.unwrap();
    let rotated = rotate().await;
    let second = rotated["newKey"].as_str().unwrap().to_owned();
    assert_eq!(rotate().await["newKey"], Value::Null, "once");
    later(&api, TimeDelta::seconds(61));
    let meanwhile = api.session(user.id).await;
    assert_eq!(kid(&meanwhile), first, "the new key is made known before it signs");
    later(&api, TimeDelta::minutes(5));
    let renewed = api.session(user.id).await;
    assert_eq!(kid(&renewed), second);
    for token in [&user.token, &meanwhile, &renewed] {
        api.get("/api/auth/me").bearer(token).send().await.data(200);
    }
    // a token of the old key's last moment has expired before the key is retired: make one that has not
    let forever = client.execute("UPDATE token_keys SET retired_at = now() WHERE id = $1", &[&first]).await.unwrap();
    assert_eq!(forever, 1);
    later(&api, TimeDelta::seconds(61));
    api.get("/api/auth/me").bearer(&meanwhile).send().await.error(401, "invalid_token");
    api.get("/api/auth/me").bearer(&renewed).send().await.data(200);
}

#[tokio::test]
async fn a_retired_key_outlives_its_last_token() {
    let api = TestApi::with(&[("ACCESS_TOKEN_LIFETIME", "1h")]).await;
    let client = connect(api.base.database.url()).await;
    api.user(SystemRole::Agent).await;
    client.execute("UPDATE token_keys SET signs_from = signs_from - interval '31 days'", &[]).await.unwrap();
    run(&api.state.services, NewJob::of(&RotateTokenKeys {}).unwrap()).await;
    let query = "SELECT old.retired_at - new.signs_from > interval '1 hour' \
                 FROM token_keys old, token_keys new WHERE old.retired_at IS NOT NULL AND new.retired_at IS NULL";
    assert!(client.query_one(query, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn what_is_over_is_pruned_and_the_audit_log_is_not() {
    let api = TestApi::new().await;
    let client = connect(api.base.database.url()).await;
    let user = api.user(SystemRole::Administrator).await;
    api.post("/api/queues/events/pause").by(&user).send().await.data(200);
    let hash = |byte: u8| format!("decode(repeat('{byte:02x}', 32), 'hex')");
    let id = user.id.0;
    let (one, two) = (hash(1), hash(2));
    let long_ago = "now() - interval '40 days'";
    client
        .batch_execute(&format!(
            "INSERT INTO sessions (id, user_id, method, device_name, created_at, last_seen_at, idle_until, expires_at, \
               revoked_at) \
             SELECT gen_random_uuid(), {id}, 'password', 'x', {long_ago}, {long_ago}, {long_ago}, ends, revoked \
             FROM (VALUES ({long_ago}, NULL::TIMESTAMPTZ), (now() + interval '1 day', {long_ago}), \
                   (now() - interval '20 days', NULL)) AS given (ends, revoked); \
             INSERT INTO refresh_tokens (token_hash, session_id, created_at) \
             SELECT sha256(id::TEXT::BYTEA), id, now() FROM sessions WHERE device_name = 'x'; \
             INSERT INTO account_tokens (token_hash, user_id, purpose, expires_at) VALUES \
               ({one}, {id}, 'unlock', now() - interval '2 days'), ({two}, {id}, 'unlock', now() - interval '1 hour'); \
             INSERT INTO login_challenges (token_hash, user_id, method, expires_at) \
             VALUES ({one}, {id}, 'password', now() - interval '2 days'); \
             INSERT INTO oidc_logins (state_hash, provider, nonce, verifier, browser_hash, expires_at) \
             VALUES ({one}, 'x', 'x', 'x', {one}, now() - interval '2 days'); \
             INSERT INTO password_reset_requests (email, created_at) VALUES ('a@example.com', now() - interval '2 days'); \
             INSERT INTO security_events (at, user_id, kind) VALUES (now() - interval '401 days', {id}, 'locked'), \
               (now() - interval '399 days', {id}, 'locked')"
        ))
        .await
        .unwrap();
    retention::prune(&api.state.services, &RetentionConfig::default()).await.unwrap();
    let left = async |what: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
    };
    assert_eq!(left("sessions WHERE device_name = 'x'").await, 1, "what ended less than 30 days ago stays");
    assert_eq!(left("refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE device_name = 'x')").await, 1);
    assert_eq!(left("account_tokens").await, 1);
    assert_eq!(left("login_challenges").await + left("oidc_logins").await, 0);
    assert_eq!(left("password_reset_requests").await, 0);
    assert_eq!(left("security_events WHERE kind = 'locked'").await, 1);
    later(&api, TimeDelta::days(4_000));
    retention::prune(&api.state.services, &RetentionConfig::default()).await.unwrap();
    assert_eq!((left("audit_log").await, left("audit_links").await), (1, 1), "it is kept for ever");
    assert_eq!(left("sessions").await, 0);
}
