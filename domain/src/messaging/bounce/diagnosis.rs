//! What a refusal means, from its enhanced status code (RFC 3463), its SMTP code and its words.
//!
//! Never fails: what says nothing is soft, since giving up an address that works does more harm than writing once more.

use super::{BounceKind, words};
use std::{fmt, str::FromStr};

/// So much of a text is looked at, in bytes.
const TEXT_LIMIT: usize = 4_096;

/// An enhanced mail system status code (RFC 3463): `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedStatus {
    /// 2 taken, 4 not now, 5 never.
    pub class: u8,
    /// What it is about: 1 the address, 2 the mailbox, 3 the system, 4 the network, 5 the protocol, 6 the content, 7 policy.
    pub subject: u16,
    /// Within the subject.
    pub detail: u16,
}

/// The text is not an enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code")]
pub struct StatusError;

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for EnhancedStatus {
    type Err = StatusError;
    fn from_str(text: &str) -> Result<Self, StatusError> {
        let mut numbers = text.split('.');
        let mut next = |digits: usize| {
            let number = numbers.next().filter(|number| (1..=digits).contains(&number.len()));
            let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
            number.and_then(|number| number.parse::<u16>().ok()).ok_or(StatusError)
        };
        let (class, subject, detail) = (next(1)?, next(3)?, next(3)?);
        let class = u8::try_from(class).map_err(|_| StatusError)?;
        if !matches!(class, 2 | 4 | 5) || numbers.next().is_some() {
            return Err(StatusError);
        }
        Ok(Self { class, subject, detail })
    }
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnosis {
    /// Why it came back.
    pub kind: BounceKind,
    /// The most telling enhanced status.
    pub status: Option<EnhancedStatus>,
    /// The SMTP reply code.
    pub smtp: Option<u16>,
}

/// Reads a refusal: the status field of its report, if there is one, and what the server said.
pub fn diagnose(status: Option<EnhancedStatus>, text: &str) -> Diagnosis {
    let text = plain(text);
    let (smtp, said) = codes(&text);
    // a report that only says "failed" is told more by the server's own answer
    let status = match (status, said) {
        (Some(status), Some(said)) if status.subject == 0 => Some(said),
        (status, said) => status.or(said),
    };
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let passing = status.map_or(smtp.is_some_and(|code| code < 500), |status| status.class == 4);
    let kind = if has(words::FULL) || is(status, 2, 2) {
        BounceKind::Full
    } else if has(words::SENDER) {
        BounceKind::Block
    } else if !passing && (is_no_address(status) || has(words::HARD)) {
        BounceKind::Hard
    } else if has(words::RATE) {
        BounceKind::Soft
    } else if has(words::BLOCK) {
        BounceKind::Block
    } else {
        status.and_then(by_status).or_else(|| smtp.map(by_smtp)).unwrap_or(BounceKind::Soft)
    };
    Diagnosis { kind, status, smtp }
}

fn is(status: Option<EnhancedStatus>, subject: u16, detail: u16) -> bool {
    status.is_some_and(|status| status.class != 2 && (status.subject, status.detail) == (subject, detail))
}

/// Codes that name the address and nothing else.
fn is_no_address(status: Option<EnhancedStatus>) -> bool {
    status.is_some_and(|status| {
        status.class == 5 && matches!((status.subject, status.detail), (1, 1 | 2 | 3 | 6 | 10) | (4, 4 | 310))
    })
}

/// What a code means by the book (RFC 3463, RFC 7505); `None` where the book says "other".
fn by_status(status: EnhancedStatus) -> Option<BounceKind> {
    let permanent = status.class == 5;
    match (status.subject, status.detail) {
        (1, 7 | 8) => Some(BounceKind::Block),
        (1, _) if permanent => Some(BounceKind::Hard),
        (2, 1 | 4) if permanent => Some(BounceKind::Hard),
        // too long for the mailbox, for the system, or what it says
        (2, 3) | (3, 4) | (6, _) if permanent => Some(BounceKind::Block),
        (7, _) if permanent => Some(BounceKind::Block),
        (0, _) | (5, _) | (2, 0) | (3, 0) => None,
        _ => Some(BounceKind::Soft),
    }
}

fn by_smtp(code: u16) -> BounceKind {
    match code {
        550 | 551 | 553 | 556 => BounceKind::Hard,
        552 => BounceKind::Full,
        554 | 571 => BounceKind::Block,
        _ => BounceKind::Soft,
    }
}

/// In small letters, with single spaces, and no longer than what is looked at.
fn plain(text: &str) -> String {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    plain.to_lowercase().replace('’', "'")
}

/// The first SMTP reply code and the first enhanced status in a text.
fn codes(text: &str) -> (Option<u16>, Option<EnhancedStatus>) {
    let (mut smtp, mut status) = (None, None);
    for word in text.split([' ', ';', ':', '(', ')', '<', '>', '[', ']', ',', '"', '\'', '=']) {
        // "550-5.1.1", of a reply of several lines, is both
        let (first, rest) = word.split_once('-').unwrap_or((word, ""));
        for part in [first, rest] {
            let part = part.trim_start_matches('#').trim_end_matches('.');
            if smtp.is_none() && part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()) {
                smtp = part.parse().ok().filter(|code| matches!(code, 400..=599));
            }
            if status.is_none() {
                status = part.parse().ok().filter(|status: &EnhancedStatus| status.class != 2);
            }
        }
    }
    (smtp, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: &str, text: &str) -> BounceKind {
        diagnose(status.parse().ok(), text).kind
    }

    #[test]
    fn codes_are_read_by_the_book_where_words_say_nothing() {
        for (status, expected) in [
            ("5.1.1", BounceKind::Hard),
            ("5.1.10", BounceKind::Hard),
            ("5.1.8", BounceKind::Block),
            ("5.2.1", BounceKind::Hard),
            ("4.2.1", BounceKind::Soft),
            ("5.2.2", BounceKind::Full),
            ("4.2.2", BounceKind::Full),
            ("4.3.1", BounceKind::Soft),
            ("5.3.4", BounceKind::Block),
            ("4.4.1", BounceKind::Soft),
            ("5.4.4", BounceKind::Hard),
            ("4.4.7", BounceKind::Soft),
            ("5.4.7", BounceKind::Soft),
            ("5.6.0", BounceKind::Block),
            ("5.7.1", BounceKind::Block),
            ("4.7.1", BounceKind::Soft),
            ("5.0.0", BounceKind::Soft),
            ("5.3.0", BounceKind::Soft),
            ("nonsense", BounceKind::Soft),
        ] {
            assert_eq!(kind(status, ""), expected, "{status}");
        }
    }

    #[test]
    fn words_tell_what_codes_hide() {
        for (status, text, expected) in [
            ("5.0.0", "smtp; 550 No such user here", BounceKind::Hard),
            ("5.7.1", "550 5.7.1 <a@b.example>: Recipient address rejected: user unknown", BounceKind::Hard),
            ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", BounceKind::Hard),
            ("5.1.1", "552 5.1.1 Mailbox is over quota", BounceKind::Full),
            ("5.1.8", "550 5.1.8 Sender address rejected: Domain not found", BounceKind::Block),
            (
                "5.0.0",
                "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
                BounceKind::Block,
            ),
            ("5.7.1", "554 5.7.1 <a@b.example>: Relay access denied", BounceKind::Block),
            ("4.1.1", "450 4.1.1 <a@b.example>: user unknown", BounceKind::Soft),
            ("4.7.0", "421 4.7.0 unusual rate of unsolicited mail", BounceKind::Block),
            ("4.2.0", "450 4.2.0 Greylisted, see policy", BounceKind::Soft),
        ] {
            assert_eq!(kind(status, text), expected, "{text}");
        }
    }

    #[test]
    fn bare_replies_are_read_by_their_code() {
        for (text, expected, smtp) in [
            ("550 sorry", BounceKind::Hard, Some(550)),
            ("552 sorry", BounceKind::Full, Some(552)),
            ("450 4.2.1 The user is receiving mail at a rate that", BounceKind::Soft, Some(450)),
            ("554 sorry", BounceKind::Block, Some(554)),
            ("451 sorry", BounceKind::Soft, Some(451)),
            ("host 192.0.2.550 sorry, 700 things", BounceKind::Soft, None),
            ("", BounceKind::Soft, None),
        ] {
            let found = diagnose(None, text);
            assert_eq!((found.kind, found.smtp), (expected, smtp), "{text}");
        }
        let several = diagnose("5.0.0".parse().ok(), "550-5.1.1 The email account\r\n550 5.1.1 does not exist");
        assert_eq!(several.status.unwrap().to_string(), "5.1.1");
        assert_eq!(several.smtp, Some(550));
    }

    #[test]
    fn a_status_is_three_numbers() {
        for text in ["5.1", "5.1.1.1", "3.1.1", "5.1000.1", "5..1", "5.+1.1", "", "55.1.1", "5.1.1 "] {
            assert!(text.parse::<EnhancedStatus>().is_err(), "{text}");
        }
        assert_eq!("4.4.316".parse(), Ok(EnhancedStatus { class: 4, subject: 4, detail: 316 }));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_meaning(text in ".{0,300}") {
            let found = diagnose(None, &text);
            proptest::prop_assert!(found.status.is_none_or(|status| status.class != 2));
        }
    }
}
