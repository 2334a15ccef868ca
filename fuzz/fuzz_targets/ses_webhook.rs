//! Any bytes as a delivery of SNS, and as the event of SES within one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::ses_webhook(bytes));
