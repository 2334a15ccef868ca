use super::*;
use crate::messaging::{EventKind, ProviderEvent};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{BounceKind, FailureClass, Feedback, MessageStatus};
use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(25 * 3_600);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

fn signed(key: &EcdsaKeyPair, timestamp: &str, body: &str) -> String {
    let text = format!("{timestamp}{body}");
    STANDARD.encode(key.sign(&SystemRandom::new(), text.as_bytes()).unwrap())
}

#[test]
fn a_signature_is_over_the_timestamp_and_the_raw_body() {
    let (one, other) = (key(), key());
    let points = |keys: &[&EcdsaKeyPair]| keys.iter().map(|key| key.public_key().as_ref().to_vec()).collect::<Vec<_>>();
    let body = "[{\"event\":\"open\"}]\r\n";
    let stamp = now().timestamp().to_string();
    let signature = signed(&one, &stamp, body);
    let check = |keys: &[Vec<u8>], body: &str, signature: Option<&str>, stamp: Option<&str>| {
        verify(keys, body.as_bytes(), (signature, stamp), now(), DAY)
    };
    let both = points(&[&other, &one]);
    assert_eq!(check(&both, body, Some(&signature), Some(&stamp)), Ok(()));
    assert_eq!(check(&points(&[&other]), body, Some(&signature), Some(&stamp)), Err(SignatureError::Wrong));
    assert_eq!(check(&[], body, Some(&signature), Some(&stamp)), Err(SignatureError::Wrong));
    let trimmed = body.trim_end();
    assert_eq!(check(&both, trimmed, Some(&signature), Some(&stamp)), Err(SignatureError::Wrong), "raw, to the end");
    assert_eq!(check(&both, body, Some(&signature), Some("1700000001")), Err(SignatureError::Wrong));
    assert_eq!(check(&both, body, None, Some(&stamp)), Err(SignatureError::Missing));
    assert_eq!(check(&both, body, Some(&signature), None), Err(SignatureError::Missing));
    assert_eq!(check(&both, body, Some("?"), Some(&stamp)), Err(SignatureError::Malformed));
    assert_eq!(check(&both, body, Some(&signature), Some("now")), Err(SignatureError::Malformed));
    assert_eq!(check(&both, body, Some(""), Some(&stamp)), Err(SignatureError::Wrong));
}

#[test]
fn what_was_signed_at_another_time_is_refused() {
    let key = key();
    let points = [key.public_key().as_ref().to_vec()];
    let at = |age: TimeDelta| {
        let stamp = (now() - age).timestamp().to_string();
        let signature = signed(&key, &stamp, "[]");
        verify(&points, b"[]", (Some(&signature), Some(&stamp)), now(), DAY)
    };
    assert_eq!(at(TimeDelta::hours(25)), Ok(()));
    assert_eq!(at(TimeDelta::hours(25) + TimeDelta::seconds(1)), Err(SignatureError::Stale));
    assert_eq!(at(TimeDelta::minutes(-10)), Ok(()));
    assert_eq!(at(TimeDelta::minutes(-11)), Err(SignatureError::Stale));
}

fn one(event: Value) -> ProviderEvent {
    let mut item = json!({
        "email": "Asha@Example.com", "timestamp": 1_699_999_000, "sg_event_id": "evt-1",
        "sg_message_id": "wB3hoaZ8Q2ylrTlZ8h5YOw.filterdrecv-7f7-1-0", "renewals_correlation": "m-12-2",
    });
    for (name, value) in event.as_object().unwrap() {
        item[name] = value.clone();
    }
    let body = json!([item]).to_string();
    parse(body.as_bytes(), now()).unwrap().remove(0)
}

#[test]
fn a_delivery_of_each_kind() {
    let delivered = one(json!({"event": "delivered", "response": "250 OK"}));
    assert_eq!((delivered.id.as_str(), delivered.occurred_at.timestamp()), ("evt-1", 1_699_999_000));
    let EventKind::Status(status) = delivered.kind else { panic!() };
    assert_eq!(status.provider_message_id, "wB3hoaZ8Q2ylrTlZ8h5YOw");
    assert_eq!(status.correlation.unwrap().to_string(), "m-12-2");
    assert_eq!((status.status, status.recipient.as_deref()), (MessageStatus::Delivered, Some("asha@example.com")));
    let feedback = |event: Value| match one(event).kind {
        EventKind::Feedback(feedback) => feedback,
        other => panic!("{other:?}"),
    };
    let deferred = feedback(json!({"event": "deferred", "response": "450 asha@example.com busy", "attempt": "2"}));
    assert_eq!((deferred.feedback, deferred.detail.as_deref()), (Feedback::Deferred, Some("450 … busy")));
    assert!(!feedback(json!({"event": "open"})).automatic);
    assert!(feedback(json!({"event": "open", "sg_machine_open": true})).automatic);
    let clicked = feedback(json!({"event": "click", "url": "https://renewals.example/1"}));
    assert_eq!((clicked.feedback, clicked.url.as_deref()), (Feedback::Clicked, Some("https://renewals.example/1")));
    assert_eq!(feedback(json!({"event": "spamreport"})).feedback, Feedback::Complained);
    assert_eq!(feedback(json!({"event": "unsubscribe"})).feedback, Feedback::Unsubscribed);
    assert_eq!(feedback(json!({"event": "group_unsubscribe", "asm_group_id": 1})).feedback, Feedback::Unsubscribed);
    for event in ["processed", "group_resubscribe", "account_status_change", "to_come"] {
        assert_eq!(one(json!({"event": event})).kind, EventKind::Other, "{event}");
    }
}

#[test]
fn bounces_by_what_they_say_of_the_address() {
    for (type_, status, classified, kind, class) in [
        ("bounce", "5.1.1", "Invalid Address", BounceKind::Hard, FailureClass::Recipient),
        ("bounce", "5.0.0", "", BounceKind::Hard, FailureClass::Recipient),
        ("bounce", "5.2.2", "Mailbox Unavailable", BounceKind::Full, FailureClass::Recipient),
        ("blocked", "5.7.1", "Reputation", BounceKind::Block, FailureClass::Request),
        ("blocked", "5.7.1", "Content", BounceKind::Block, FailureClass::Request),
        ("blocked", "5.7.1", "", BounceKind::Block, FailureClass::Request),
        ("blocked", "4.4.2", "Technical", BounceKind::Soft, FailureClass::Recipient),
        ("blocked", "", "Mailbox Unavailable", BounceKind::Soft, FailureClass::Recipient),
    ] {
        let event =
            one(json!({"event": "bounce", "type": type_, "status": status, "bounce_classification": classified,
                               "reason": "550 5.1.1 <asha@example.com> unknown"}));
        let EventKind::Status(told) = event.kind else { panic!() };
        assert_eq!((told.status, told.bounce), (MessageStatus::Failed, Some(kind)), "{type_} {status} {classified}");
        let failure = told.failure.unwrap();
        assert_eq!(failure.class, class);
        assert_eq!(failure.detail, "550 5.1.1 … unknown");
    }
}

#[test]
fn drops_by_what_is_remembered_of_the_address() {
    for (reason, kind) in [
        ("Bounced Address", Some(BounceKind::Hard)),
        ("Spam Reporting Address", Some(BounceKind::Complaint)),
        ("Spam Content (if spam checker app enabled)", Some(BounceKind::Block)),
        ("Unsubscribed Address", None),
        ("Recipient List over Package Quota", None),
    ] {
        let EventKind::Status(told) = one(json!({"event": "dropped", "reason": reason})).kind else { panic!() };
        assert_eq!((told.status, told.bounce), (MessageStatus::Failed, kind), "{reason}");
        assert_eq!(told.failure.unwrap().code.as_deref(), Some("dropped"));
    }
}

#[test]
fn what_is_not_understood_is_kept_and_what_is_no_json_is_told() {
    let events = parse(br#"[1, null, {"event": "open\u0000"}, {"event": "delivered"}]"#, now()).unwrap();
    assert!(events.iter().all(|event| event.kind == EventKind::Other && event.occurred_at == now()));
    assert!(!events[2].payload.to_string().contains("u0000"));
    assert_eq!(parse(br#"{"event": "open"}"#, now()).unwrap().len(), 1);
    assert!(matches!(parse(b"<html>", now()), Err(WebhookError::NotJson(_))));
    assert!(matches!(parse(&vec![b' '; BODY_LIMIT + 1], now()), Err(WebhookError::TooLong)));
    let many = format!("[{}]", vec!["1"; EVENT_LIMIT + 1].join(","));
    assert!(matches!(parse(many.as_bytes(), now()), Err(WebhookError::TooMany)));
    let long = one(json!({"event": "open", "sg_event_id": "x".repeat(300)}));
    assert!(long.id.len() <= ProviderEvent::ID_LIMIT && long.id.starts_with("long:"));
}

proptest! {
    #[test]
    fn nothing_that_comes_ends_the_process(
        event in prop::sample::select(vec!["bounce", "dropped", "open", "click", "deferred", "delivered", "x"]),
        text in ".{0,40}", number in any::<i64>(),
    ) {
        let item = json!({"event": event, "email": text, "timestamp": number, "sg_message_id": text, "reason": text,
                          "status": text, "type": text, "renewals_correlation": text, "url": text, "sg_event_id": text});
        let body = json!([item]).to_string();
        let events = parse(body.as_bytes(), now()).unwrap();
        prop_assert!(!events[0].id.is_empty() && events[0].id.len() <= ProviderEvent::ID_LIMIT);
        prop_assert_eq!(&parse(body.as_bytes(), now()).unwrap(), &events);
    }
}
