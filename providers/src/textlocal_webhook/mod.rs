//! Webhooks of TextLocal: delivery receipts, and text messages that came in.
//!
//! Nothing signs them: the address holds a secret, which the caller has checked. Receipts name a message by `customID`
//! alone, so the correlation id stands for the provider's own. What is not understood is kept as it came. Times are in a
//! zone that nothing tells, so a receipt happened when it came. Source: the vendor's API documentation.

use crate::{
    form::{Form, FormError},
    messaging::{EventKind, InboundEvent, ProviderEvent, StatusEvent},
};
use chrono::{DateTime, Utc};
use domain::{
    contact::Phone,
    messaging::{Correlation, FailureClass, MessageStatus, SendFailure},
};

/// The longest text that is kept, in characters.
const TEXT_LIMIT: usize = 4_096;

/// Reads a receipt or a message, from a form's body or from a query.
pub fn parse(form: &[u8], received_at: DateTime<Utc>) -> Result<ProviderEvent, FormError> {
    let form = Form::read(form)?;
    let (id, kind) = receipt(&form)
        .or_else(|| inbound(&form))
        .unwrap_or_else(|| (format!("other:{}", form.digest()), EventKind::Other));
    Ok(ProviderEvent { id, occurred_at: received_at, payload: form.payload(), kind })
}

fn receipt(form: &Form) -> Option<(String, EventKind)> {
    let correlation: Correlation = form.get("customID")?.parse().ok()?;
    let word = form.get("status")?;
    let failed = |code: &'static str, detail: &str| {
        (MessageStatus::Failed, Some(SendFailure::new(FailureClass::Recipient, Some(code.into()), detail)))
    };
    let (status, failure) = match word {
        "D" => (MessageStatus::Delivered, None),
        "U" => failed("U", "TextLocal could not deliver it"),
        "I" => failed("I", "the number is not valid"),
        "E" => failed("E", "it was not delivered before its time was up"),
        // on its way, as far as TextLocal knows
        "?" => (MessageStatus::Sent, None),
        _ => return None,
    };
    let event = StatusEvent {
        provider_message_id: correlation.to_string(),
        correlation: Some(correlation),
        status,
        recipient: form.get("number").and_then(phone).map(String::from),
        failure,
        bounce: None,
        cost: None,
    };
    Some((format!("{correlation}:{word}"), EventKind::Status(event)))
}

fn inbound(form: &Form) -> Option<(String, EventKind)> {
    let from = form.get("sender").and_then(phone)?;
    let text = form.get("content");
    let id = form.id("msgId").map(str::to_owned).unwrap_or_else(|| form.digest());
    let event = InboundEvent {
        provider_message_id: id.clone(),
        from,
        text: text.map(|text| text.chars().take(TEXT_LIMIT).collect()),
        in_reply_to: None,
        choice: None,
        content: None,
        profile_name: None,
    };
    Some((format!("in:{id}"), EventKind::Inbound(event)))
}

/// A number with its country's digits, as TextLocal writes them.
fn phone(digits: &str) -> Option<Phone> {
    format!("+{}", digits.trim_start_matches(['+', '0'])).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap()
    }

    fn status(body: &str) -> StatusEvent {
        match parse(body.as_bytes(), now()).unwrap().kind {
            EventKind::Status(status) => status,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn receipts() {
        let delivered = status("number=919876543210&status=D&customID=m-12-2&datetime=2025-06-15+10%3A00%3A00");
        assert_eq!((delivered.status, delivered.provider_message_id.as_str()), (MessageStatus::Delivered, "m-12-2"));
        assert_eq!(delivered.recipient.as_deref(), Some("+919876543210"));
        for word in ["U", "I", "E"] {
            let failed = status(&format!("number=919876543210&status={word}&customID=m-1-1"));
            assert_eq!(
                (failed.status, failed.failure.unwrap().class),
                (MessageStatus::Failed, FailureClass::Recipient)
            );
        }
        assert_eq!(status("status=%3F&customID=m-1-1").status, MessageStatus::Sent);
    }

    #[test]
    fn somebody_writes() {
        let event = parse(b"sender=919876543210&content=STOP&inNumber=919220592205&msgId=77", now()).unwrap();
        assert_eq!(event.id, "in:77");
        let EventKind::Inbound(inbound) = event.kind else { unreachable!("{event:?}") };
        assert_eq!((inbound.from.as_str(), inbound.text.as_deref()), ("+919876543210", Some("STOP")));
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        for body in ["", "status=D", "status=Z&customID=m-1-1", "status=D&customID=order-7", "sender=ACME&content=x"] {
            assert_eq!(parse(body.as_bytes(), now()).unwrap().kind, EventKind::Other, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(event) = parse(&body, now()) {
                prop_assert!(!event.id.is_empty() && event.id.len() <= ProviderEvent::ID_LIMIT);
            }
        }
    }
}
