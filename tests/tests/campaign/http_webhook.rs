//! The webhook of WhatsApp over HTTP: its set-up, its signature, and what is kept.

use crate::book;
use domain::permissions::SystemRole;
use providers::whatsapp_webhook::sign;
use serde_json::{Value, json};
use tests::http::{Answer, TestApi};
use tokio_postgres::Client;

const PATH: &str = "/api/webhooks/whatsapp";
const ACCOUNT: [(&str, &str); 4] = [
    ("WHATSAPP_ACCESS_TOKEN", "EAAG"),
    ("WHATSAPP_PHONE_NUMBER_ID", "106540352242922"),
    ("WHATSAPP_APP_SECRET", "app_secret, the_old_one"),
    ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "verify-me"),
];

async fn ground() -> (TestApi, Client) {
    let api = TestApi::with(&ACCOUNT).await;
    let client = book::connect(&api.base).await;
    (api, client)
}

fn signature(secret: &str, body: &str) -> String {
    sign(&secret.into(), body.as_bytes()).unwrap()
}

async fn deliver(api: &TestApi, body: &str, signature: &str) -> Answer {
    let call = api.post(PATH).header("x-hub-signature-256", signature);
    call.body("application/json", body.to_owned()).send().await
}

async fn signed(api: &TestApi, body: &Value) -> Answer {
    let body = body.to_string();
    deliver(api, &body, &signature("app_secret", &body)).await
}

fn status(wamid: &str, status: &str) -> Value {
    json!({"id": wamid, "status": status, "timestamp": "1700000000", "recipient_id": "919876543210",
           "biz_opaque_callback_data": "m-41-1"})
}

fn delivery(statuses: &[Value], messages: &[Value]) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"},
        "contacts": [{"wa_id": "919876543210", "profile": {"name": "Asha"}}],
        "statuses": statuses, "messages": messages
    }}]}]})
}

async fn kept(client: &Client) -> i64 {
    book::number(client, "SELECT count(*) FROM provider_events").await
}

#[tokio::test]
async fn the_challenge_is_echoed_to_whoever_knows_the_token() {
    let (api, _client) = ground().await;
    let ask = async |query: &str| api.get(&format!("{PATH}?{query}")).send().await;
    let echoed = ask("hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444").await;
    assert_eq!((echoed.status.as_u16(), &echoed.body[..]), (200, &b"1158201444"[..]));
    assert!(echoed.header("content-type").starts_with("text/plain"));
    for query in [
        "hub.mode=subscribe&hub.verify_token=verify-m&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=verify-me&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=%3Cscript%3E",
        "hub.mode=subscribe&hub.verify_token=verify-me",
        "",
    ] {
        ask(query).await.error(403, "challenge_refused");
    }
}

#[tokio::test]
async fn only_what_is_signed_with_a_known_secret_is_kept() {
    let (api, client) = ground().await;
    // the vendor's vector: plain HMAC-SHA256 over these bytes
    let vector = r#"{"object":"whatsapp_business_account"}"#;
    let known = "sha256=e790291ff924369c1f80c8b2cc24fb9ccd37600d883a729059d4bbfa632c882b";
    assert_eq!(signature("app_secret", vector), known);
    for wrong in [
        signature("another", vector),
        signature("app_secret", "{}"),
        signature("app_secret, the_old_one", vector),
        known.replace("sha256=", "sha1="),
        known[..known.len() - 2].to_owned(),
        known.replace("sha256=", ""),
        String::new(),
    ] {
        deliver(&api, vector, &wrong).await.error(403, "invalid_signature");
    }
    api.post(PATH).body("application/json", vector).send().await.error(403, "invalid_signature");
    let administrator = api.user(SystemRole::Administrator).await;
    let call = api.post(PATH).by(&administrator).body("application/json", vector);
    call.send().await.error(403, "invalid_signature");
    assert_eq!(kept(&client).await, 0);
    assert_eq!(book::number(&client, "SELECT count(*) FROM jobs").await, 0);
    assert_eq!(deliver(&api, vector, known).await.status.as_u16(), 200);
    assert_eq!(kept(&client).await, 1);
    let old = delivery(&[status("wamid.old", "sent")], &[]).to_string();
    assert_eq!(deliver(&api, &old, &signature("the_old_one", &old)).await.status.as_u16(), 200);
    assert_eq!(kept(&client).await, 2, "while one secret replaces another, both sign");
}

#[tokio::test]
async fn each_event_is_kept_once_with_what_applying_it_needs() {
    let (api, client) = ground().await;
    let mut failed = status("wamid.2", "failed");
    failed["errors"] = json!([{"code": 131026, "title": "Message undeliverable"}]);
    let inbound = json!({"id": "wamid.in", "from": "919876543210", "timestamp": "1700000001", "type": "text",
                         "text": {"body": "Please call me"}, "context": {"id": "wamid.1"}});
    let statuses = [status("wamid.1", "sent"), status("wamid.1", "delivered"), failed];
    let whole = delivery(&statuses, &[inbound]);
    for _ in 0..3 {
        assert_eq!(signed(&api, &whole).await.status.as_u16(), 200);
    }
    // the same events in another envelope
    signed(&api, &delivery(&statuses[1..], &[])).await;
    let rows = client
        .query(
            "SELECT provider, kind, COALESCE(status, ''), message_id, address, error_code, payload -> 'inbound' \
             FROM provider_events ORDER BY provider_event_id",
            &[],
        )
        .await
        .unwrap();
    let told: Vec<(String, String)> = rows.iter().map(|row| (row.get(1), row.get(2))).collect();
    let pair = |kind: &str, status: &str| (kind.to_owned(), status.to_owned());
    assert_eq!(
        told,
        [pair("inbound", ""), pair("status", "delivered"), pair("status", "sent"), pair("status", "failed")]
    );
    assert!(rows.iter().all(|row| row.get::<_, String>(0) == "whatsapp_cloud"));
    assert!(rows.iter().all(|row| row.get::<_, String>(4) == "+919876543210"));
    assert_eq!((rows[1].get::<_, Option<i64>>(3), rows[0].get::<_, Option<i64>>(3)), (Some(41), None));
    assert_eq!(rows[3].get::<_, String>(5), "131026");
    assert_eq!(rows[0].get::<_, Value>(6)["text"], "Please call me");
    let jobs = book::texts(&client, "SELECT kind || ' ' || state FROM jobs").await;
    assert_eq!(jobs, ["apply_provider_events available"], "one job applies them all");
}

#[tokio::test]
async fn deliveries_at_once_keep_each_event_once() {
    let (api, client) = ground().await;
    let statuses: Vec<_> = (0..200).map(|number| status(&format!("wamid.{number}"), "read")).collect();
    let reversed: Vec<_> = statuses.iter().rev().cloned().collect();
    let (one, other) = (delivery(&statuses, &[]), delivery(&reversed, &[]));
    let answers =
        futures_util::future::join_all((0..8).map(|n| signed(&api, if n % 2 == 0 { &one } else { &other }))).await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 200), "{answers:?}");
    assert_eq!(kept(&client).await, 200);
}

#[tokio::test]
async fn a_signed_delivery_that_cannot_be_read_is_kept_for_people() {
    let (api, client) = ground().await;
    for body in ["not JSON \0 at all", "", &"[".repeat(1000)] {
        for _ in 0..2 {
            assert_eq!(deliver(&api, body, &signature("app_secret", body)).await.status.as_u16(), 200);
        }
    }
    let texts = book::texts(&client, "SELECT payload ->> 'unreadable' FROM provider_events ORDER BY id").await;
    assert_eq!(texts, ["not JSON  at all", "", &"[".repeat(1000)]);
    assert_eq!(book::texts(&client, "SELECT DISTINCT kind::TEXT FROM provider_events").await, ["other"]);
}

#[tokio::test]
async fn a_time_ahead_of_ours_holds_nothing_back() {
    let (api, client) = ground().await;
    let mut ahead = status("wamid.1", "delivered");
    ahead["timestamp"] = json!("4000000000");
    signed(&api, &delivery(&[ahead], &[])).await;
    assert_eq!(book::number(&client, "SELECT count(*) FROM provider_events WHERE apply_after <= now()").await, 1);
}

#[tokio::test]
async fn a_delivery_may_be_longer_than_other_bodies_but_not_endless() {
    let (api, client) = ground().await;
    let long = json!({"object": "whatsapp_business_account", "padding": "x".repeat(2 << 20)});
    assert_eq!(signed(&api, &long).await.status.as_u16(), 200);
    assert_eq!(kept(&client).await, 1);
    let endless = json!({"padding": "x".repeat(5 << 20)});
    signed(&api, &endless).await.error(413, "body_too_large");
}

#[tokio::test]
async fn while_the_database_is_away_the_vendor_is_told_to_try_again() {
    let (api, client) = ground().await;
    client.batch_execute("ALTER TABLE jobs RENAME TO hidden").await.unwrap();
    let body = delivery(&[status("wamid.1", "sent")], &[]);
    assert!(signed(&api, &body).await.status.is_server_error());
    assert_eq!(kept(&client).await, 0, "an event is not kept without the job that applies it");
    client.batch_execute("ALTER TABLE hidden RENAME TO jobs").await.unwrap();
    assert_eq!(signed(&api, &body).await.status.as_u16(), 200);
    assert_eq!(kept(&client).await, 1);
}

#[tokio::test]
async fn without_an_account_the_webhook_refuses() {
    let api = TestApi::new().await;
    let body = delivery(&[status("wamid.1", "sent")], &[]).to_string();
    for secret in ["app_secret", "x"] {
        deliver(&api, &body, &signature(secret, &body)).await.error(403, "webhook_not_configured");
    }
    let query = "hub.mode=subscribe&hub.verify_token=&hub.challenge=1";
    api.get(&format!("{PATH}?{query}")).send().await.error(403, "webhook_not_configured");
}
