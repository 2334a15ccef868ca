//! Any bytes as the body of a webhook of SendGrid, before its signature is checked and after.
#![no_main]

use chrono::DateTime;
use fuzz::events::check;
use libfuzzer_sys::fuzz_target;
use providers::sendgrid_webhook::{EVENT_LIMIT, parse, verify};
use std::time::Duration;

fuzz_target!(|bytes: &[u8]| {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let text = std::str::from_utf8(bytes).ok();
    let day = Duration::from_secs(86_400);
    assert!(verify(&[bytes.to_vec()], bytes, (text, text), received_at, day).is_err());
    let Ok(events) = parse(bytes, received_at) else { return };
    assert!(events.len() <= EVENT_LIMIT);
    events.iter().for_each(check);
});
