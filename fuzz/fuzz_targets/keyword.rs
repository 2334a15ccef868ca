//! Any text as an answer: what it asks for does not depend on case or on what stands around it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::keyword(bytes));
