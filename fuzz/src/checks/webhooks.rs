//! What providers post, before its signature is checked and after.

use crate::events::check;
use chrono::DateTime;
use providers::{
    sendgrid_webhook, ses_webhook,
    sns_webhook::Envelope,
    textlocal_webhook,
    twilio_webhook::{Signed, parse_inbound, parse_status, verify},
    whatsapp_webhook,
};
use std::time::Duration;

/// Any bytes as the body of a webhook of SendGrid, before its signature is checked and after.
pub fn sendgrid_webhook(bytes: &[u8]) {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let text = std::str::from_utf8(bytes).ok();
    let day = Duration::from_secs(86_400);
    assert!(sendgrid_webhook::verify(&[bytes.to_vec()], bytes, (text, text), received_at, day).is_err());
    let Ok(events) = sendgrid_webhook::parse(bytes, received_at) else { return };
    assert!(events.len() <= sendgrid_webhook::EVENT_LIMIT);
    events.iter().for_each(check);
}

/// Any bytes as a delivery of SNS, and as the event of SES within one.
pub fn ses_webhook(bytes: &[u8]) {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    if let Ok(envelope) = Envelope::read(bytes) {
        assert!(envelope.signed_text().ends_with('\n'));
        let _read = (envelope.posted_at(), envelope.region());
        ses_webhook::parse(&envelope.message, received_at).iter().for_each(check);
    }
    let events = ses_webhook::parse(&String::from_utf8_lossy(bytes), received_at);
    assert!(!events.is_empty());
    events.iter().for_each(check);
}

/// Any bytes as a receipt or a message of TextLocal, whose address held the secret.
pub fn textlocal_webhook(bytes: &[u8]) {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    if let Ok(event) = textlocal_webhook::parse(bytes, received_at) {
        check(&event);
    }
}

/// Any bytes as the body of a webhook of Twilio, before its signature is checked and after.
pub fn twilio_webhook(bytes: &[u8]) {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let url = format!("https://renewals.example.com/api/webhooks/twilio/status?{text}");
    for is_form in [true, false] {
        let signed = Signed { url: &url, body: bytes, is_form };
        assert!(verify(&["token".into()], signed, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")).is_err());
        let _malformed = verify(&["token".into()], signed, Some(&text));
    }
    for event in [parse_status(bytes, &text, received_at), parse_inbound(bytes, received_at)].into_iter().flatten() {
        check(&event);
    }
}

/// Any bytes as the body of a webhook of WhatsApp whose signature was right.
pub fn webhook(bytes: &[u8]) {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let Ok(events) = whatsapp_webhook::parse(bytes, received_at) else { return };
    assert!(events.len() <= whatsapp_webhook::EVENT_LIMIT);
    events.iter().for_each(check);
}
