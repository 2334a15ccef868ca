//! The webhook of SES over HTTP: deliveries of a topic, signed as Amazon signs them, and the confirmation of a
//! subscription, at a stand-in for Amazon.

use super::{
    deliveries::{database, kept, now, number},
    taker::{Answer as Told, Taker},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use providers::sns_webhook::Envelope;
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tests::http::{Answer, TestApi};

const PATH: &str = "/api/webhooks/ses";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:ses-events";
const CERTIFICATE: &str = "/SimpleNotificationService-0123abcd.pem";
const KEY: &[u8] = include_bytes!("../../fixtures/keys/rsa_pkcs8.pem");

/// Amazon, and whether it is away.
struct Amazon {
    taker: Taker,
    away: Arc<AtomicBool>,
}

impl Amazon {
    async fn start() -> Self {
        let away = Arc::new(AtomicBool::new(false));
        let is_away = Arc::clone(&away);
        let taker = Taker::start(move |path| match path {
            _ if is_away.load(Ordering::Relaxed) => Told { status: 503, ..Told::default() },
            CERTIFICATE => {
                let body = include_str!("../../fixtures/keys/rsa.crt").to_owned();
                Told { status: 200, body, ..Told::default() }
            }
            path if path.starts_with("/?Action=ConfirmSubscription") => Told { status: 200, ..Told::default() },
            _ => Told { status: 404, ..Told::default() },
        })
        .await;
        Self { taker, away }
    }

    fn count(&self, start: &str) -> usize {
        self.taker.calls().iter().filter(|call| call.path.starts_with(start)).count()
    }

    async fn api(&self) -> TestApi {
        TestApi::with(&[
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("SES_FROM_EMAIL", "no-reply@renewals.example"),
            ("SES_SNS_TOPIC_ARNS", TOPIC),
            ("SES_SNS_BASE_URL", &self.taker.url),
        ])
        .await
    }
}

/// A delivery as SNS makes it, with some members changed before it is signed.
fn signed(api: &TestApi, message: &Value, changes: &Value) -> Value {
    let mut envelope = json!({
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": TOPIC, "Message": message.to_string(),
        "Timestamp": now(api).to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "SignatureVersion": "2",
        "SigningCertURL": format!("https://sns.us-east-1.amazonaws.com{CERTIFICATE}"), "Signature": "",
    });
    envelope.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let text = Envelope::read(envelope.to_string().as_bytes()).unwrap().signed_text();
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEY).unwrap();
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    envelope["Signature"] = STANDARD.encode(signature).into();
    envelope
}

async fn post(api: &TestApi, envelope: &Value) -> Answer {
    // as SNS calls it
    api.post(PATH).body("text/plain; charset=UTF-8", envelope.to_string()).send().await
}

fn event(kind: &str, part: &str, value: Value) -> Value {
    json!({"eventType": kind, part: value, "mail": {
        "timestamp": "2023-11-14T22:13:20.000Z", "messageId": "0100-abc", "destination": ["asha@example.com"],
        "tags": {"correlation": ["m-41-1"]},
    }})
}

fn bounce() -> Value {
    event(
        "Bounce",
        "bounce",
        json!({"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [
            {"emailAddress": "Asha@example.com", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"},
            {"emailAddress": "ravi@example.com", "status": "5.2.2"},
        ]}),
    )
}

#[tokio::test]
async fn each_event_is_kept_once_however_often_the_topic_delivers_it() {
    let amazon = Amazon::start().await;
    let api = amazon.api().await;
    let client = database(&api).await;
    let delivered = event("Delivery", "delivery", json!({"recipients": ["asha@example.com"]}));
    for (message, id) in [(&delivered, "1"), (&delivered, "1"), (&bounce(), "2"), (&bounce(), "3")] {
        let answer = post(&api, &signed(&api, message, &json!({"MessageId": id}))).await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    }
    let greeting = json!({"Message": "Successfully validated SNS topic for Amazon SES event publishing."});
    assert_eq!(post(&api, &signed(&api, &json!({}), &greeting)).await.status.as_u16(), 200);
    assert_eq!(
        kept(&client).await,
        [
            "ses other",
            "ses status delivered 41 0100-abc asha@example.com",
            "ses status failed full 41 0100-abc ravi@example.com",
            "ses status failed hard 41 0100-abc asha@example.com",
        ]
    );
    assert_eq!(amazon.count(CERTIFICATE), 1, "the certificate is kept");
}

#[tokio::test]
async fn what_amazon_did_not_sign_for_us_of_late_is_refused() {
    let amazon = Amazon::start().await;
    let api = amazon.api().await;
    let client = database(&api).await;
    let old = (now(&api) - TimeDelta::hours(7)).to_rfc3339();
    let mut changed = signed(&api, &bounce(), &json!({}));
    changed["Message"] = "{}".into();
    for envelope in [
        changed,
        signed(&api, &bounce(), &json!({"TopicArn": "arn:aws:sns:us-east-1:666:ses-events"})),
        signed(&api, &bounce(), &json!({"SigningCertURL": format!("https://evil.example{CERTIFICATE}")})),
        signed(&api, &bounce(), &json!({"Timestamp": old})),
        json!({"eventType": "Bounce"}),
        json!([]),
    ] {
        post(&api, &envelope).await.error(403, "invalid_signature");
    }
    assert_eq!(amazon.taker.calls().len(), 1, "the certificate for the one that names it rightly, and nothing else");
    assert_eq!(number(&client, "SELECT count(*) FROM provider_events").await, 0);
    let mut long = signed(&api, &bounce(), &json!({}));
    long["Message"] = "y".repeat(5 << 20).into();
    post(&api, &long).await.error(413, "body_too_large");
    let nobody = TestApi::new().await;
    post(&nobody, &signed(&api, &bounce(), &json!({}))).await.error(403, "webhook_not_configured");
}

#[tokio::test]
async fn a_subscription_is_confirmed_only_when_amazon_asks_for_our_topic() {
    let amazon = Amazon::start().await;
    let api = amazon.api().await;
    let ask = |url: &str, topic: &str| {
        signed(
            &api,
            &json!({}),
            &json!({"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url, "TopicArn": topic}),
        )
    };
    let right = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
    for (url, topic) in [
        ("https://evil.example/?Action=ConfirmSubscription", TOPIC),
        ("http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription", TOPIC),
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", TOPIC),
        (right, "arn:aws:sns:us-east-1:666:ses-events"),
    ] {
        post(&api, &ask(url, topic)).await.error(403, "invalid_signature");
    }
    let mut unsigned = ask(right, TOPIC);
    unsigned["Token"] = "another".into();
    post(&api, &unsigned).await.error(403, "invalid_signature");
    assert_eq!(amazon.count("/?Action"), 0);
    assert_eq!(post(&api, &ask(right, TOPIC)).await.status.as_u16(), 200);
    assert_eq!(amazon.count("/?Action=ConfirmSubscription&Token=t"), 1);
    let client = database(&api).await;
    assert_eq!(number(&client, "SELECT count(*) FROM provider_events").await, 0);
}

#[tokio::test]
async fn while_amazon_is_away_the_topic_is_asked_to_come_back() {
    let amazon = Amazon::start().await;
    let api = amazon.api().await;
    amazon.away.store(true, Ordering::Relaxed);
    let envelope = signed(&api, &bounce(), &json!({}));
    assert_eq!(post(&api, &envelope).await.status.as_u16(), 503);
    amazon.away.store(false, Ordering::Relaxed);
    assert_eq!(post(&api, &envelope).await.status.as_u16(), 200);
}
