//! Any bytes as a mail to take apart.
#![no_main]

use libfuzzer_sys::fuzz_target;
use providers::bounce_mail::{Mail, PART_LIMIT};

fuzz_target!(|bytes: &[u8]| {
    let mail = Mail::read(bytes);
    assert!(!mail.parts.is_empty() && mail.parts.len() <= PART_LIMIT);
    let _subject = mail.headers.subject();
    for part in &mail.parts {
        let _text = part.text();
    }
    let _text = mail.text();
});
