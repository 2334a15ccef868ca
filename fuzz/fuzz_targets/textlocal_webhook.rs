//! Any bytes as a receipt or a message of TextLocal, whose address held the secret.
#![no_main]

use chrono::DateTime;
use fuzz::events::check;
use libfuzzer_sys::fuzz_target;
use providers::textlocal_webhook::parse;

fuzz_target!(|bytes: &[u8]| {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    if let Ok(event) = parse(bytes, received_at) {
        check(&event);
    }
});
