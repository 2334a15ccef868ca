//! Any bytes as the body of a webhook of Twilio, before its signature is checked and after.
#![no_main]

use chrono::DateTime;
use fuzz::events::check;
use libfuzzer_sys::fuzz_target;
use providers::twilio_webhook::{Signed, parse_inbound, parse_status, verify};

fuzz_target!(|bytes: &[u8]| {
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
});
