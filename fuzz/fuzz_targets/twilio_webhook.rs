//! Any bytes as the body of a webhook of Twilio, before its signature is checked and after.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::twilio_webhook(bytes));
