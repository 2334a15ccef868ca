//! Any bytes as the body of a webhook of WhatsApp whose signature was right.
#![no_main]

use chrono::DateTime;
use fuzz::events::check;
use libfuzzer_sys::fuzz_target;
use providers::whatsapp_webhook::{EVENT_LIMIT, parse};

fuzz_target!(|bytes: &[u8]| {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let Ok(events) = parse(bytes, received_at) else { return };
    assert!(events.len() <= EVENT_LIMIT);
    events.iter().for_each(check);
});
