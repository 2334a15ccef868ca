//! Any bytes as a mail in the bounce mailbox.
#![no_main]

use libfuzzer_sys::fuzz_target;
use providers::bounce_mail::{DIAGNOSTIC_LIMIT, Fate, OUTCOME_LIMIT, What, read};

fuzz_target!(|bytes: &[u8]| {
    let mail = read(bytes);
    assert!(mail.outcomes.len() <= OUTCOME_LIMIT && mail.id.len() == 32);
    assert!(mail.what != What::Ordinary || mail.outcomes.is_empty());
    for outcome in mail.outcomes {
        assert!(outcome.diagnostic.chars().count() <= DIAGNOSTIC_LIMIT && !outcome.diagnostic.contains('\0'));
        assert!(outcome.fate != Fate::Failed || outcome.kind.is_some());
        for address in outcome.recipients {
            assert!(address.contains('@') && !address.contains(['\0', '\r', '\n']));
        }
    }
});
