//! Any bytes as a mail to take apart.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::mime(bytes));
