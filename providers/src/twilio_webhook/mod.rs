//! Webhooks of Twilio: the signature, status callbacks, and text messages that came in.
//!
//! Pure functions over what came in. What is not understood is kept as it came; a form that is beyond reason is an
//! error, and the caller keeps the bytes. Callbacks carry no time, so they happened when they came. Source: the vendor's
//! webhook reference.

mod signature;

pub use signature::{SignatureError, Signed, sign, verify};

use crate::{
    form::{Form, FormError},
    messaging::{EventKind, InboundEvent, ProviderEvent, StatusEvent},
    twilio::{CORRELATION, Origin, classify, status},
};
use chrono::{DateTime, Utc};
use domain::{
    contact::Phone,
    messaging::{Correlation, FailureClass, MessageStatus, SendFailure, price::Cost},
};
use serde_json::{Value, json};

/// The longest text that is kept, in characters; Twilio's own limit is 1,600.
const TEXT_LIMIT: usize = 4_096;
/// The most files of one message.
const MEDIA_LIMIT: usize = 10;

/// Reads a status callback whose signature has been checked. `query`: that of the address, which carries the
/// correlation id.
pub fn parse_status(body: &[u8], query: &str, received_at: DateTime<Utc>) -> Result<ProviderEvent, FormError> {
    let form = Form::read(body)?;
    let query = Form::read(query.as_bytes())?;
    let correlation = query.get(CORRELATION).and_then(|text| text.parse::<Correlation>().ok());
    let mut payload = form.payload();
    if let Some(correlation) = correlation {
        payload["correlation"] = correlation.to_string().into();
    }
    let read = read_status(&form, correlation);
    let (id, kind) = read.map_or_else(|| other(&form), |(id, event)| (id, EventKind::Status(event)));
    Ok(ProviderEvent { id, occurred_at: received_at, payload, kind })
}

/// Reads a message that came in, whose signature has been checked.
pub fn parse_inbound(body: &[u8], received_at: DateTime<Utc>) -> Result<ProviderEvent, FormError> {
    let form = Form::read(body)?;
    let read = read_inbound(&form);
    let (id, kind) = read.map_or_else(|| other(&form), |(id, event)| (id, EventKind::Inbound(event)));
    Ok(ProviderEvent { id, occurred_at: received_at, payload: form.payload(), kind })
}

fn other(form: &Form) -> (String, EventKind) {
    (format!("other:{}", form.digest()), EventKind::Other)
}

fn read_status(form: &Form, correlation: Option<Correlation>) -> Option<(String, StatusEvent)> {
    let sid = form.id("MessageSid").or_else(|| form.id("SmsSid"))?;
    let word = form.get("MessageStatus").or_else(|| form.get("SmsStatus"))?;
    let status = status(word)?;
    let attempt = correlation.map_or(1, |correlation| correlation.attempt);
    let cost = form.get("Price").zip(form.get("PriceUnit")).and_then(|(price, unit)| Cost::charged(price, unit));
    // the price may come after the status it comes with
    let priced = if cost.is_some() { ":priced" } else { "" };
    let event = StatusEvent {
        provider_message_id: sid.to_owned(),
        correlation,
        status,
        recipient: form.get("To").and_then(|to| to.parse::<Phone>().ok()).map(String::from),
        failure: (status == MessageStatus::Failed).then(|| failure(form, word, attempt)),
        bounce: None,
        cost,
    };
    Some((format!("{sid}:{word}{priced}"), event))
}

fn failure(form: &Form, word: &str, attempt: i32) -> SendFailure {
    let code = form.get("ErrorCode").and_then(|code| code.parse::<i64>().ok()).filter(|code| *code != 0);
    let class = code.map_or(FailureClass::Recipient, |code| classify(code, Origin::Callback, attempt));
    // the callback gives a code and no words
    SendFailure::new(class, code.map(|code| code.to_string().into()), &format!("Twilio reports it {word}"))
}

fn read_inbound(form: &Form) -> Option<(String, InboundEvent)> {
    let sid = form.id("MessageSid").or_else(|| form.id("SmsSid"))?;
    let event = InboundEvent {
        provider_message_id: sid.to_owned(),
        from: form.get("From")?.parse().ok()?,
        text: form.get("Body").map(|text| text.chars().take(TEXT_LIMIT).collect()),
        in_reply_to: form.id("OriginalRepliedMessageSid").map(str::to_owned),
        choice: form.id("ButtonPayload").map(str::to_owned),
        content: media(form),
        profile_name: form.get("ProfileName").map(|name| name.chars().take(255).collect()),
    };
    Some((format!("in:{sid}"), event))
}

fn media(form: &Form) -> Option<Value> {
    let count = form.get("NumMedia")?.parse::<usize>().ok()?.min(MEDIA_LIMIT);
    let file = |number: usize| {
        let link = form.get(&format!("MediaUrl{number}"))?;
        Some(json!({"link": link, "mimeType": form.get(&format!("MediaContentType{number}"))}))
    };
    let files: Vec<Value> = (0..count).filter_map(file).collect();
    (!files.is_empty()).then(|| json!({"type": "media", "files": files}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::MessageId;
    use proptest::prelude::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap()
    }

    #[test]
    fn a_delivery_is_a_status_of_the_attempt_that_the_address_names() {
        let body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B919876543210&From=%2B15005550006&AccountSid=AC1";
        let event = parse_status(body, "m=m-12-2", now()).unwrap();
        assert_eq!((event.id.as_str(), event.occurred_at), ("SM1:delivered", now()));
        assert_eq!(event.payload["correlation"], "m-12-2");
        let EventKind::Status(status) = event.kind else { unreachable!("{event:?}") };
        assert_eq!(status.correlation, Some(Correlation { message: MessageId(12), attempt: 2 }));
        assert_eq!((status.status, status.recipient.as_deref()), (MessageStatus::Delivered, Some("+919876543210")));
        assert_eq!(status.failure, None);
    }

    #[test]
    fn a_price_that_comes_later_is_an_event_of_its_own() {
        let body = b"MessageSid=SM1&MessageStatus=delivered&Price=-0.00830&PriceUnit=usd";
        let event = parse_status(body, "", now()).unwrap();
        assert_eq!(event.id, "SM1:delivered:priced", "the status without it was told before");
        let EventKind::Status(status) = event.kind else { unreachable!("{event:?}") };
        assert_eq!(status.cost, Cost::charged("0.0083", "USD"));
        let odd = parse_status(b"MessageSid=SM1&MessageStatus=sent&Price=free&PriceUnit=USD", "", now()).unwrap();
        assert_eq!(odd.id, "SM1:sent");
    }

    #[test]
    fn a_failure_has_its_class() {
        for (code, class) in [
            ("30003", FailureClass::Retry { after: Some(std::time::Duration::from_secs(1_800)) }),
            ("30005", FailureClass::Recipient),
            ("30007", FailureClass::Request),
            ("", FailureClass::Recipient),
        ] {
            let body = format!("MessageSid=SM1&MessageStatus=undelivered&ErrorCode={code}");
            let event = parse_status(body.as_bytes(), "", now()).unwrap();
            let EventKind::Status(status) = event.kind else { unreachable!("{event:?}") };
            assert_eq!((status.status, status.failure.unwrap().class), (MessageStatus::Failed, class), "{code}");
        }
    }

    #[test]
    fn somebody_writes() {
        let body = b"MessageSid=SM9&From=%2B919876543210&To=%2B15005550006&Body=STOP+&NumMedia=1\
            &MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fx&MediaContentType0=image%2Fjpeg";
        let event = parse_inbound(body, now()).unwrap();
        assert_eq!(event.id, "in:SM9");
        let EventKind::Inbound(inbound) = event.kind else { unreachable!("{event:?}") };
        assert_eq!((inbound.from.as_str(), inbound.text.as_deref()), ("+919876543210", Some("STOP")));
        assert_eq!(inbound.content.unwrap()["files"][0]["mimeType"], "image/jpeg");
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        for body in ["", "MessageSid=SM1", "MessageSid=SM1&MessageStatus=dancing", "MessageStatus=sent"] {
            let event = parse_status(body.as_bytes(), "", now()).unwrap();
            assert_eq!(event.kind, EventKind::Other, "{body}");
            assert!(event.id.starts_with("other:"));
        }
        assert_eq!(parse_inbound(b"MessageSid=SM1&From=ACME&Body=x", now()).unwrap().kind, EventKind::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300), query in "\\PC{0,40}") {
            for event in [parse_status(&body, &query, now()), parse_inbound(&body, now())].into_iter().flatten() {
                prop_assert!(!event.id.is_empty() && event.id.len() <= ProviderEvent::ID_LIMIT);
            }
        }
    }
}
