use super::*;
use crate::messaging::{EventKind, InboundEvent, ProviderEvent, StatusEvent};
use chrono::{DateTime, Utc};
use domain::{
    ids::MessageId,
    messaging::{Correlation, FailureClass, MessageStatus},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "app_secret";

fn secrets(list: &[&str]) -> Vec<SecretString> {
    list.iter().map(|secret| SecretString::from(*secret)).collect()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap()
}

fn read(value: &Value) -> Vec<ProviderEvent> {
    parse(value.to_string().as_bytes(), now()).unwrap()
}

fn delivery(value: Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    })
}

fn status(event: &ProviderEvent) -> &StatusEvent {
    match &event.kind {
        EventKind::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

fn inbound(event: &ProviderEvent) -> &InboundEvent {
    match &event.kind {
        EventKind::Inbound(inbound) => inbound,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_vendors_signature() {
    let body = br#"{"object":"whatsapp_business_account"}"#;
    let header = "sha256=e790291ff924369c1f80c8b2cc24fb9ccd37600d883a729059d4bbfa632c882b";
    assert_eq!(sign(&SecretString::from(SECRET), body).as_deref(), Some(header));
    assert_eq!(verify(&secrets(&[SECRET]), body, Some(header)), Ok(()));
    assert_eq!(verify(&secrets(&["new", SECRET]), body, Some(header)), Ok(()), "while secrets are replaced");
    assert_eq!(verify(&secrets(&["new"]), body, Some(header)), Err(SignatureError::Wrong));
    assert_eq!(verify(&secrets(&[SECRET]), b"{}", Some(header)), Err(SignatureError::Wrong));
    assert_eq!(verify(&[], body, Some(header)), Err(SignatureError::Wrong));
    assert_eq!(verify(&secrets(&[SECRET]), body, None), Err(SignatureError::Missing));
    for bad in ["", "sha256=", "sha1=00", "sha256=zz", "sha256=e790", &header[7..]] {
        assert_eq!(verify(&secrets(&[SECRET]), body, Some(bad)), Err(SignatureError::Malformed), "{bad}");
    }
}

#[test]
fn an_empty_secret_signs_nothing() {
    let empty = Hmacless::of(b"{}");
    assert_eq!(verify(&secrets(&[""]), b"{}", Some(&empty)), Err(SignatureError::Wrong));
    assert_eq!(sign(&SecretString::from(""), b"{}"), None);
}

/// What an attacker would send if the secret were empty.
struct Hmacless;

impl Hmacless {
    fn of(body: &[u8]) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let mac = Hmac::<sha2::Sha256>::new_from_slice(b"").unwrap().chain_update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }
}

#[test]
fn the_challenge_is_echoed_to_those_who_know_the_token() {
    let expected = SecretString::from("verify");
    let ask = |mode, token, challenge| Challenge { mode, token, challenge }.answer(&expected);
    assert_eq!(ask("subscribe", "verify", "1158201444"), Some("1158201444"));
    assert_eq!(ask("subscribe", "wrong", "1158201444"), None);
    assert_eq!(ask("unsubscribe", "verify", "1158201444"), None);
    assert_eq!(ask("subscribe", "verify", ""), None);
    assert_eq!(ask("subscribe", "verify", "<script>"), None);
}

#[test]
fn a_status_names_the_message_and_the_attempt() {
    let events = read(&delivery(json!({
        "metadata": {"phone_number_id": "106540352242922"},
        "statuses": [{
            "id": "wamid.A", "status": "delivered", "timestamp": "1749416383", "recipient_id": "919876543210",
            "biz_opaque_callback_data": "m-12-2", "pricing": {"billable": true, "category": "utility"},
        }],
    })));
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.id, "wamid.A:delivered:1749416383");
    assert_eq!(event.occurred_at.timestamp(), 1_749_416_383);
    assert_eq!(event.payload["metadata"]["phone_number_id"], "106540352242922");
    assert_eq!(event.payload["status"]["pricing"]["category"], "utility");
    let status = status(event);
    assert_eq!(status.correlation, Some(Correlation { message: MessageId(12), attempt: 2 }));
    assert_eq!((status.status, status.failure.as_ref()), (MessageStatus::Delivered, None));
    assert_eq!(status.recipient.as_ref().unwrap().as_str(), "+919876543210");
}

#[test]
fn a_failed_status_has_a_class() {
    let of = |error: Value| {
        let item = json!({"id": "wamid.A", "status": "failed", "timestamp": "1749416383", "errors": [error]});
        status(&read(&delivery(json!({"statuses": [item]})))[0]).failure.clone().unwrap()
    };
    let capped = of(json!({"code": 131049, "title": "limit", "error_data": {"details": "healthy ecosystem"}}));
    assert_eq!((capped.class, capped.detail.as_str()), (FailureClass::DelayDay, "healthy ecosystem"));
    assert_eq!(capped.code.as_deref(), Some("131049"));
    assert_eq!(of(json!({"code": "131026"})).class, FailureClass::Recipient);
    assert_eq!(of(json!(null)).detail, "no reason given");
}

#[test]
fn a_delivery_may_hold_many_of_many() {
    let item = |id: &str, status: &str| json!({"id": id, "status": status, "timestamp": "1749416383"});
    let change = |items: Vec<Value>| json!({"field": "messages", "value": {"statuses": items}});
    let events = read(&json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "changes": [change(vec![item("a", "sent"), item("b", "read")]), change(vec![item("a", "delivered")])]},
        {"id": "2", "changes": [change(vec![item("c", "failed")])]},
    ]}));
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["a:sent:1749416383", "b:read:1749416383", "a:delivered:1749416383", "c:failed:1749416383"]);
}

#[test]
fn people_write_back() {
    let message = |fields: Value| {
        let mut item = json!({"from": "16505551234", "id": "wamid.X", "timestamp": "1749416383"});
        item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let contacts = json!([{"profile": {"name": "Sheena"}, "wa_id": "16505551234"}]);
        inbound(&read(&delivery(json!({"contacts": contacts, "messages": [item]})))[0]).clone()
    };
    let text = message(json!({"type": "text", "text": {"body": "hello"}, "context": {"from": "1", "id": "wamid.A"}}));
    assert_eq!(text.text.as_deref(), Some("hello"));
    assert_eq!((text.in_reply_to.as_deref(), text.profile_name.as_deref()), (Some("wamid.A"), Some("Sheena")));
    assert_eq!(text.from.as_str(), "+16505551234");
    let button = message(json!({"type": "button", "button": {"payload": "p", "text": "Unsubscribe"}}));
    assert_eq!(button.text.as_deref(), Some("Unsubscribe"));
    let list = json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"title": "Motor"}}});
    assert_eq!(message(list).text.as_deref(), Some("Motor"));
    let reaction = message(json!({"type": "reaction", "reaction": {"message_id": "wamid.B", "emoji": "👍"}}));
    assert_eq!((reaction.text.as_deref(), reaction.in_reply_to.as_deref()), (Some("👍"), Some("wamid.B")));
    assert_eq!(message(json!({"type": "image", "image": {"caption": "my card"}})).text.as_deref(), Some("my card"));
    assert_eq!(message(json!({"type": "location"})).text, None);
}

#[test]
fn what_is_not_understood_is_kept() {
    for value in [
        json!({"object": "page", "entry": []}),
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1"}]}),
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "account_alerts", "value": {}}]}]}),
        delivery(json!({"statuses": [{"id": "a", "status": "warning", "timestamp": "1749416383"}]})),
        delivery(json!({"messages": [{"id": "a", "from": "IN.13491208655302741918", "type": "text"}]})),
        delivery(json!({"errors": [{"code": 130_429}]})),
        json!([]),
        json!("text"),
        json!(null),
    ] {
        let events = read(&value);
        assert_eq!(events.len(), 1, "{value}");
        assert_eq!((&events[0].kind, events[0].occurred_at), (&EventKind::Other, now()), "{value}");
        assert_eq!(read(&value)[0].id, events[0].id, "a repeated delivery has the same id");
    }
}

#[test]
fn what_cannot_be_read_or_kept_is_refused() {
    assert!(matches!(parse(b"{", now()), Err(WebhookError::NotJson(_))));
    assert!(matches!(parse("[".repeat(100_000).as_bytes(), now()), Err(WebhookError::NotJson(_))));
    assert!(matches!(parse(&vec![b' '; BODY_LIMIT + 1], now()), Err(WebhookError::TooLong)));
    let many = delivery(json!({"statuses": vec![json!({}); EVENT_LIMIT + 1]}));
    assert!(matches!(parse(many.to_string().as_bytes(), now()), Err(WebhookError::TooMany)));
}

#[test]
fn nothing_that_postgresql_refuses_passes() {
    let events = read(&delivery(json!({"messages": [
        {"id": "wamid.\u{0}X", "from": "16505551234", "timestamp": "99999999999999", "type": "text",
         "text": {"body": "a\u{0}b"}, "k\u{0}ey": 1},
    ]})));
    assert_eq!(inbound(&events[0]).text.as_deref(), Some("ab"));
    assert_eq!(events[0].occurred_at, now(), "a time beyond reason");
    assert!(!events[0].payload.to_string().contains("\\u0000"));
    let long =
        delivery(json!({"statuses": [{"id": "x".repeat(250), "status": "delivered", "timestamp": "1749416383"}]}));
    assert!(read(&long)[0].id.len() <= ProviderEvent::ID_LIMIT);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["sent", "failed", "messages", "text", "1749416383", "m-1-1", "16505551234"])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "id",
        "status",
        "timestamp",
        "errors",
        "code",
        "text",
        "body",
        "from",
        "type",
        "context",
        "contacts",
        "profile",
        "interactive",
        "recipient_id",
        "biz_opaque_callback_data",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body, now());
        let _ = verify(&secrets(&[SECRET]), &body, std::str::from_utf8(&body).ok());
    }

    #[test]
    fn any_json_in_any_place_is_read(value in any_json(), place in 0..5_u8) {
        let whole = match place {
            0 => value,
            1 => json!({"object": "whatsapp_business_account", "entry": value}),
            2 => json!({"object": "whatsapp_business_account", "entry": [{"changes": value}]}),
            3 => delivery(json!({"statuses": [value]})),
            _ => delivery(json!({"messages": [value], "contacts": value})),
        };
        for event in read(&whole) {
            prop_assert!(!event.id.is_empty() && event.id.len() <= ProviderEvent::ID_LIMIT);
        }
    }
}
