//! Any bytes as a delivery of SNS, and as the event of SES within one.
#![no_main]

use chrono::DateTime;
use fuzz::events::check;
use libfuzzer_sys::fuzz_target;
use providers::{ses_webhook::parse, sns_webhook::Envelope};

fuzz_target!(|bytes: &[u8]| {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    if let Ok(envelope) = Envelope::read(bytes) {
        assert!(envelope.signed_text().ends_with('\n'));
        let _read = (envelope.posted_at(), envelope.region());
        parse(&envelope.message, received_at).iter().for_each(check);
    }
    let events = parse(&String::from_utf8_lossy(bytes), received_at);
    assert!(!events.is_empty());
    events.iter().for_each(check);
});
