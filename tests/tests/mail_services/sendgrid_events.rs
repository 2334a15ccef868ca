//! The webhook of SendGrid over HTTP: its signature, its time, and what is kept.

use super::deliveries::{database, kept, now, number};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tests::http::{Answer, TestApi};

const PATH: &str = "/api/webhooks/sendgrid";
/// Before the point of a public key on P-256 (RFC 5480).
const WRAPPING: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

struct Vendor {
    key: EcdsaKeyPair,
}

impl Vendor {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self { key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap() }
    }

    fn public(&self) -> String {
        STANDARD.encode([WRAPPING, self.key.public_key().as_ref()].concat())
    }

    fn signature(&self, stamp: &str, body: &str) -> String {
        let text = format!("{stamp}{body}");
        STANDARD.encode(self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap())
    }

    async fn deliver(&self, api: &TestApi, body: &str, age: TimeDelta) -> Answer {
        let stamp = (now(api) - age).timestamp().to_string();
        deliver(api, body, &self.signature(&stamp, body), &stamp).await
    }
}

async fn deliver(api: &TestApi, body: &str, signature: &str, stamp: &str) -> Answer {
    api.post(PATH)
        .header("x-twilio-email-event-webhook-signature", signature)
        .header("x-twilio-email-event-webhook-timestamp", stamp)
        .body("application/json", body.to_owned())
        .send()
        .await
}

async fn api(keys: &str) -> TestApi {
    TestApi::with(&[
        ("SENDGRID_API_KEY", "SG.key"),
        ("SENDGRID_FROM_EMAIL", "no-reply@renewals.example"),
        ("SENDGRID_WEBHOOK_PUBLIC_KEY", keys),
    ])
    .await
}

fn event(id: &str, more: Value) -> Value {
    let mut event = json!({"email": "Asha@Example.com", "timestamp": 1_700_000_000, "sg_event_id": id,
                           "sg_message_id": "abc.filterdrecv-1-0", "renewals_correlation": "m-41-1"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// Several messages and kinds in one delivery, as SendGrid batches them; its bodies end in a line break.
fn mixed() -> String {
    let events = json!([
        event("1", json!({"event": "processed"})),
        event("2", json!({"event": "delivered"})),
        event("3", json!({"event": "open", "sg_machine_open": true})),
        event("4", json!({"event": "click", "url": "https://renewals.example/r/1"})),
        event("5", json!({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 nobody",
                          "renewals_correlation": "m-42-1", "sg_message_id": "def.filter-1", "email": "ravi@example.com"})),
        event("6", json!({"event": "spamreport"})),
        {"not": "an event"},
    ]);
    format!("{events}\r\n")
}

#[tokio::test]
async fn each_event_of_a_mixed_delivery_is_kept_once() {
    let vendor = Vendor::new();
    let api = api(&vendor.public()).await;
    let client = database(&api).await;
    for _ in 0..2 {
        assert_eq!(vendor.deliver(&api, &mixed(), TimeDelta::zero()).await.status.as_u16(), 200);
    }
    let again = json!([event("2", json!({"event": "delivered"}))]).to_string();
    assert_eq!(vendor.deliver(&api, &again, TimeDelta::zero()).await.status.as_u16(), 200);
    assert_eq!(
        kept(&client).await,
        [
            "sendgrid feedback clicked 41 abc asha@example.com https://renewals.example/r/1",
            "sendgrid feedback complained 41 abc asha@example.com",
            "sendgrid feedback opened 41 abc asha@example.com automatic",
            "sendgrid other",
            "sendgrid other",
            "sendgrid status delivered 41 abc asha@example.com",
            "sendgrid status failed hard 42 def ravi@example.com",
        ]
    );
    assert_eq!(number(&client, "SELECT count(*) FROM jobs WHERE kind = 'apply_provider_events'").await, 1);
}

#[tokio::test]
async fn only_what_sendgrid_signed_of_late_is_kept() {
    let (vendor, other) = (Vendor::new(), Vendor::new());
    let api = api(&format!("{}, {}", Vendor::new().public(), vendor.public())).await;
    let client = database(&api).await;
    let (body, stamp) = (mixed(), now(&api).timestamp().to_string());
    let right = vendor.signature(&stamp, &body);
    for (body, signature, stamp) in [
        (&*body, &*other.signature(&stamp, &body), &*stamp),
        (body.trim_end(), &*right, &*stamp),
        (&*body, &*right, "1700000000"),
        (&*body, "", &*stamp),
        (&*body, "nonsense", &*stamp),
        (&*body, &*right, ""),
    ] {
        deliver(&api, body, signature, stamp).await.error(403, "invalid_signature");
    }
    api.post(PATH).body("application/json", body.clone()).send().await.error(403, "invalid_signature");
    for age in [TimeDelta::hours(26), TimeDelta::minutes(-20)] {
        vendor.deliver(&api, &body, age).await.error(403, "invalid_signature");
    }
    assert_eq!(number(&client, "SELECT count(*) FROM provider_events").await, 0);
    // SendGrid tries for a day
    assert_eq!(vendor.deliver(&api, &body, TimeDelta::hours(24)).await.status.as_u16(), 200);
    assert_eq!(number(&client, "SELECT count(*) FROM provider_events").await, 7);
}

#[tokio::test]
async fn what_is_too_long_or_cannot_be_read_is_told_or_kept() {
    let vendor = Vendor::new();
    let api = api(&vendor.public()).await;
    let client = database(&api).await;
    let long = format!("[{}]", " ".repeat(5 << 20));
    vendor.deliver(&api, &long, TimeDelta::zero()).await.error(413, "body_too_large");
    assert_eq!(number(&client, "SELECT count(*) FROM provider_events").await, 0);
    for _ in 0..2 {
        assert_eq!(vendor.deliver(&api, "<html>", TimeDelta::zero()).await.status.as_u16(), 200);
    }
    let unreadable = "SELECT count(*) FROM provider_events WHERE payload->>'unreadable' = '<html>'";
    assert_eq!(number(&client, unreadable).await, 1);
}

#[tokio::test]
async fn without_a_key_everything_is_refused() {
    for api in [TestApi::new().await, api("").await] {
        deliver(&api, "[]", "x", "1").await.error(403, "webhook_not_configured");
    }
}
