//! Mails that come back, and what people write and follow.

use domain::{
    ids::MessageId,
    messaging::{
        restraint::{self, Rules},
        tracking::{Kind, Signer, Token},
    },
};
use providers::bounce_mail::{DIAGNOSTIC_LIMIT, Fate, Mail, OUTCOME_LIMIT, PART_LIMIT, What, read};

/// Any bytes as a mail in the bounce mailbox.
pub fn dsn(bytes: &[u8]) {
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
}

/// Any text as an answer: what it asks for does not depend on case or on what stands around it.
pub fn keyword(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let rules = Rules { opt_out_words: vec![text.chars().take(50).collect()], ..Rules::default() };
    let found = restraint::keyword(text, &rules);
    if text.len() < 100 {
        assert_eq!(restraint::keyword(&format!("  \"{text}\"! "), &rules), found);
    }
}

/// Any bytes as a mail to take apart.
pub fn mime(bytes: &[u8]) {
    let mail = Mail::read(bytes);
    assert!(!mail.parts.is_empty() && mail.parts.len() <= PART_LIMIT);
    let _subject = mail.headers.subject();
    for part in &mail.parts {
        let _text = part.text();
    }
    let _text = mail.text();
}

/// Any text as a token of a link: nothing that no key of ours made is read, and what we make comes back as it was.
pub fn tracking_token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let signer = Signer::new([7; 32], [[8; 32]]);
    assert!(signer.read(text).is_err(), "forged");
    let token = Token { message: MessageId(1), kind: Kind::Click { url: text.to_owned(), link: None } };
    if let Ok(made) = signer.token(&token) {
        assert_eq!(signer.read(&made), Ok(token));
        assert!(Signer::new([9; 32], []).read(&made).is_err());
    }
}
