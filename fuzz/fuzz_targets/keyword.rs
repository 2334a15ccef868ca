//! Any text as an answer: what it asks for does not depend on case or on what stands around it.
#![no_main]

use domain::messaging::restraint::{Rules, keyword};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let rules = Rules { opt_out_words: vec![text.chars().take(50).collect()], ..Rules::default() };
    let found = keyword(text, &rules);
    if text.len() < 100 {
        assert_eq!(keyword(&format!("  \"{text}\"! "), &rules), found);
    }
});
