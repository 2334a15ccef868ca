//! Any bytes as a receipt or a message of TextLocal, whose address held the secret.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::textlocal_webhook(bytes));
