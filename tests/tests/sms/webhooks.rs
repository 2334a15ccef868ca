//! The webhooks of Twilio and TextLocal over HTTP: whom they believe, and what is kept.

use providers::twilio_webhook::{Signed, sign};
use secrecy::SecretString;
use serde_json::Value;
use tests::http::{Answer, TestApi};
use tokio_postgres::{Client, NoTls};

const STATUS: &str = "/api/webhooks/twilio/status";
const INBOUND: &str = "/api/webhooks/twilio/inbound";
const TEXTLOCAL: &str = "/api/webhooks/textlocal";
const FORM: &str = "application/x-www-form-urlencoded";
const PUBLIC: &str = "https://renewals.example.com/app";
const SETTINGS: [(&str, &str); 7] = [
    ("PUBLIC_URL", PUBLIC),
    ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("TWILIO_AUTH_TOKEN", "new-token, old-token"),
    ("TWILIO_FROM", "+15005550006"),
    ("TEXTLOCAL_API_KEY", "key"),
    ("TEXTLOCAL_SENDER", "TXTLCL"),
    ("TEXTLOCAL_RECEIPT_SECRET", "0123456789abcdef, fedcba9876543210"),
];

async fn ground() -> (TestApi, Client) {
    let api = TestApi::with(&SETTINGS).await;
    let (client, connection) = tokio_postgres::connect(api.base.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    (api, client)
}

async fn count(client: &Client, what: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {what}"), &[]).await.unwrap().get(0)
}

fn signature(token: &str, url: &str, body: &str) -> String {
    sign(&SecretString::from(token), Signed { url, body: body.as_bytes(), is_form: true })
}

async fn call(api: &TestApi, path: &str, body: &str, signature: &str) -> Answer {
    api.post(path).header("x-twilio-signature", signature).body(FORM, body.to_owned()).send().await
}

/// As Twilio calls: signed over the public address.
async fn tell(api: &TestApi, path: &str, body: &str) -> Answer {
    call(api, path, body, &signature("new-token", &format!("{PUBLIC}{path}"), body)).await
}

const DELIVERED: &str = "MessageSid=SM1&MessageStatus=delivered&To=%2B919876543210&From=%2B15005550006";

#[tokio::test]
async fn only_what_twilio_signed_for_this_address_is_kept() {
    let (api, client) = ground().await;
    let path = format!("{STATUS}?m=m-41-1");
    let url = format!("{PUBLIC}{path}");
    for wrong in [
        signature("another", &url, DELIVERED),
        signature("new-token", &format!("{PUBLIC}{STATUS}?m=m-42-1"), DELIVERED),
        signature("new-token", &format!("http://localhost:8000{path}"), DELIVERED),
        signature("new-token", &url, "MessageSid=SM2"),
        "c2hvcnQ=".to_owned(),
        "%".to_owned(),
    ] {
        call(&api, &path, DELIVERED, &wrong).await.error(403, "invalid_signature");
    }
    api.post(&path).body(FORM, DELIVERED).send().await.error(403, "invalid_signature");
    assert_eq!((count(&client, "provider_events").await, count(&client, "jobs").await), (0, 0));
    for token in ["new-token", "old-token"] {
        assert_eq!(call(&api, &path, DELIVERED, &signature(token, &url, DELIVERED)).await.status.as_u16(), 200);
    }
    let with_port = signature("new-token", &url.replace(".com/", ".com:443/"), DELIVERED);
    assert_eq!(call(&api, &path, DELIVERED, &with_port).await.status.as_u16(), 200);
    assert_eq!(count(&client, "provider_events").await, 1, "however often it is told");
    assert_eq!(count(&client, "jobs WHERE kind = 'apply_provider_events'").await, 1);
    let row = client
        .query_one("SELECT provider, kind, status, message_id, address, provider_message_id FROM provider_events", &[])
        .await
        .unwrap();
    let texts: Vec<String> = [0, 1, 2, 4, 5].iter().map(|column| row.get(*column)).collect();
    assert_eq!(texts, ["twilio", "status", "delivered", "+919876543210", "SM1"]);
    assert_eq!(row.get::<_, i64>(3), 41);
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_unless_the_address_names_it() {
    let (api, client) = ground().await;
    let bare = sign(&"new-token".into(), Signed { url: &format!("{PUBLIC}{STATUS}"), body: b"{}", is_form: false });
    let json = api.post(STATUS).header("x-twilio-signature", &bare).body("application/json", "{}").send().await;
    json.error(403, "invalid_signature");
    assert_eq!(count(&client, "provider_events").await, 0);
}

#[tokio::test]
async fn a_message_to_us_is_kept_and_answered_with_no_orders() {
    let (api, client) = ground().await;
    let body = "MessageSid=SM9&From=%2B919876543210&To=%2B15005550006&Body=STOP&NumMedia=0";
    for path in [INBOUND.to_owned(), format!("{INBOUND}/")] {
        let answer = tell(&api, &path, body).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"<Response/>"[..]));
        assert!(answer.header("content-type").starts_with("text/xml"), "{}", answer.header("content-type"));
    }
    let row = client.query_one("SELECT kind, address, payload -> 'inbound' FROM provider_events", &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, String>(1)), ("inbound".into(), "+919876543210".into()));
    assert_eq!(row.get::<_, Value>(2)["text"], "STOP");
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_for_people_and_what_is_endless_refused() {
    let (api, client) = ground().await;
    let long = format!("MessageSid=SM1&Body={}", "x".repeat(300 * 1024));
    assert_eq!(tell(&api, STATUS, &long).await.status.as_u16(), 200);
    assert_eq!(tell(&api, STATUS, "MessageSid=SM1&MessageStatus=dancing").await.status.as_u16(), 200);
    assert_eq!(count(&client, "provider_events WHERE kind = 'other'").await, 2);
    let endless = format!("Body={}", "x".repeat(5 << 20));
    tell(&api, STATUS, &endless).await.error(413, "body_too_large");
}

#[tokio::test]
async fn the_secret_of_the_address_is_all_that_textlocal_has() {
    let (api, client) = ground().await;
    let receipt = "number=919876543210&status=D&customID=m-41-1&datetime=2025-06-15+10%3A00%3A00";
    for wrong in ["0123456789abcde", "0123456789abcdeg", "0123456789abcdef%2C%20fedcba9876543210", "x"] {
        let path = format!("{TEXTLOCAL}/{wrong}");
        api.post(&path).body(FORM, receipt).send().await.error(404, "not_found");
        api.get(&format!("{path}?{receipt}")).send().await.error(404, "not_found");
    }
    assert_eq!(count(&client, "provider_events").await, 0);
    for secret in ["0123456789abcdef", "fedcba9876543210"] {
        let path = format!("{TEXTLOCAL}/{secret}");
        assert_eq!(api.post(&path).body(FORM, receipt).send().await.status.as_u16(), 200);
        assert_eq!(api.get(&format!("{path}?{receipt}")).send().await.status.as_u16(), 200);
    }
    let written = "sender=919876543210&content=STOP&inNumber=919220592205&msgId=77";
    api.post(&format!("{TEXTLOCAL}/0123456789abcdef")).body(FORM, written).send().await;
    let rows = client
        .query("SELECT kind, COALESCE(status, ''), message_id, provider FROM provider_events ORDER BY id", &[])
        .await
        .unwrap();
    let told: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("status".into(), "delivered".into()), ("inbound".into(), String::new())]);
    assert_eq!(rows[0].get::<_, Option<i64>>(2), Some(41));
    assert!(rows.iter().all(|row| row.get::<_, String>(3) == "textlocal"));
}

#[tokio::test]
async fn without_an_account_they_refuse() {
    let api = TestApi::new().await;
    tell(&api, STATUS, DELIVERED).await.error(403, "webhook_not_configured");
    tell(&api, INBOUND, DELIVERED).await.error(403, "webhook_not_configured");
    let receipt = api.post(&format!("{TEXTLOCAL}/0123456789abcdef")).body(FORM, "status=D");
    receipt.send().await.error(404, "not_found");
}
