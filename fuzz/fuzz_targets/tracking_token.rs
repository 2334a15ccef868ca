//! Any text as a token of a link: nothing that no key of ours made is read, and what we make comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::tracking_token(bytes));
