//! Any bytes as a mail in the bounce mailbox.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::dsn(bytes));
