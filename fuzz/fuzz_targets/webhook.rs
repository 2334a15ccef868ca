//! Any bytes as the body of a webhook of WhatsApp whose signature was right.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::webhook(bytes));
