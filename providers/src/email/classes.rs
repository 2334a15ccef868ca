//! What the answers of mail servers mean for us (RFC 5321, 4.2; RFC 3463; RFC 4954, 6).
//!
//! The enhanced code says more than the reply's own number, where a server gives one: a 550 is a mailbox that is not
//! there as well as a sender that is not wanted, and only the first is about the recipient.

use super::masked;
use domain::messaging::{FailureClass, SendFailure};
use lettre::transport::smtp::Error as TransportError;
use std::error::Error;

/// How far a conversation had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Greeting, encryption, sign-in.
    Connection,
    /// The sender's address.
    Sender,
    /// The recipient's address.
    Recipient,
    /// That a message follows.
    Message,
    /// The message, to its last line: from here on the server may have taken it.
    End,
}

/// What became of a message that was not taken, or perhaps not.
pub(super) fn classified(error: &TransportError, stage: Stage) -> SendFailure {
    let text = error.to_string();
    let Some(status) = error.status().map(u16::from) else {
        // certificates, encryption or a sign-in that the server does not offer
        let unfit = stage == Stage::Connection && (error.is_tls() || error.is_client() || is_of_certificate(error));
        let class = if unfit { FailureClass::Account } else { unanswered(stage) };
        return SendFailure::new(class, Some("network".into()), &masked(&text));
    };
    let enhanced = text.split_once("): ").and_then(|(_, said)| Enhanced::read(said));
    let code = match enhanced {
        Some(Enhanced { class, subject, detail }) => format!("{status} {class}.{subject}.{detail}"),
        None => status.to_string(),
    };
    SendFailure::new(class_at(stage, status, enhanced), Some(code.into()), &masked(&text))
}

/// The server's certificate is not one that is trusted; lettre takes it for a connection that failed.
fn is_of_certificate(error: &TransportError) -> bool {
    let is_fault = |error: &(dyn Error + 'static)| {
        matches!(error.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_)))
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if is_fault(error) || inner.is_some_and(|inner| is_fault(inner)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The server did not answer in time.
pub(super) fn timed_out(stage: Stage) -> SendFailure {
    SendFailure::new(unanswered(stage), Some("timeout".into()), "the mail server did not answer in time")
}

fn unanswered(stage: Stage) -> FailureClass {
    if stage == Stage::End { FailureClass::Unknown } else { FailureClass::Retry { after: None } }
}

/// Whether an answer asks to leave a whole domain alone for a while: one that is not about a single mailbox, or about
/// ourselves.
pub(super) fn asks_for_rest(failure: &SendFailure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default();
    matches!(failure.class, FailureClass::Retry { .. })
        && code.starts_with('4')
        && !code.starts_with("454")
        && !code.contains(" 4.2.")
}

/// `5.1.1`, at the start of what a server says (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Enhanced {
    class: u16,
    subject: u16,
    detail: u16,
}

impl Enhanced {
    fn read(said: &str) -> Option<Self> {
        let mut numbers = said.split_whitespace().next()?.split('.').map(|part| part.parse::<u16>().ok());
        let read = Self { class: numbers.next()??, subject: numbers.next()??, detail: numbers.next()?? };
        (matches!(read.class, 2 | 4 | 5) && numbers.next().is_none()).then_some(read)
    }
}

/// What is refused before a recipient is named is refused for our own sake, but for what the message's size is.
fn class_at(stage: Stage, status: u16, enhanced: Option<Enhanced>) -> FailureClass {
    let class = class_of(status, enhanced);
    let of_size = status == 552 || enhanced.is_some_and(|code| code.subject == 3 && code.detail == 4);
    match (stage, class) {
        (Stage::Sender, FailureClass::Recipient | FailureClass::Request) if of_size => FailureClass::Request,
        (Stage::Connection | Stage::Sender, FailureClass::Recipient | FailureClass::Request) => FailureClass::Account,
        _ => class,
    }
}

fn class_of(status: u16, enhanced: Option<Enhanced>) -> FailureClass {
    match (status, enhanced.map(|code| (code.subject, code.detail))) {
        // the server wants another sign-in, or none at all from us
        (530 | 534 | 535 | 538, _) => FailureClass::Account,
        (..500, _) => FailureClass::Retry { after: None },
        // the sender's address, not the recipient's
        (_, Some((1, 7 | 8))) => FailureClass::Account,
        // too long for this mailbox, or for the server
        (_, Some((2, 3) | (3, 4))) => FailureClass::Request,
        // no such address; a mailbox that is closed or full; nowhere to take it
        (_, Some((1 | 2 | 4, _))) => FailureClass::Recipient,
        // the message is not wanted, or not understood
        (_, Some((3 | 5 | 6 | 7, _))) => FailureClass::Request,
        // no mailbox, or none that may be written to; full; a host that takes no mail
        (550 | 551 | 552 | 553 | 556 | 521, _) => FailureClass::Recipient,
        _ => FailureClass::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, said: &str) -> FailureClass {
        class_of(status, Enhanced::read(said))
    }

    #[test]
    fn the_enhanced_code_says_whose_fault_it_is() {
        for (status, said, expected) in [
            (550, "5.1.1 nobody here", FailureClass::Recipient),
            (550, "nobody here", FailureClass::Recipient),
            (550, "5.7.1 your network is not wanted", FailureClass::Request),
            (554, "5.7.1 spam", FailureClass::Request),
            (552, "5.2.2 mailbox full", FailureClass::Recipient),
            (552, "mailbox full", FailureClass::Recipient),
            (552, "5.3.4 message too big", FailureClass::Request),
            (553, "5.1.8 sender's domain does not exist", FailureClass::Account),
            (535, "5.7.8 wrong password", FailureClass::Account),
            (554, "no", FailureClass::Request),
            (451, "4.7.1 greylisted", FailureClass::Retry { after: None }),
            (421, "", FailureClass::Retry { after: None }),
        ] {
            assert_eq!(class(status, said), expected, "{status} {said}");
        }
    }

    #[test]
    fn before_a_recipient_is_named_it_is_about_us() {
        let class = |stage, status, said| class_at(stage, status, Enhanced::read(said));
        assert_eq!(class(Stage::Connection, 554, "no service for you"), FailureClass::Account);
        assert_eq!(class(Stage::Sender, 550, "5.7.1 may not send"), FailureClass::Account);
        assert_eq!(class(Stage::Sender, 553, ""), FailureClass::Account);
        assert_eq!(class(Stage::Sender, 552, "5.3.4 too big"), FailureClass::Request);
        assert_eq!(class(Stage::Sender, 451, ""), FailureClass::Retry { after: None });
        assert_eq!(class(Stage::Recipient, 550, ""), FailureClass::Recipient);
        assert_eq!(timed_out(Stage::Message).class, FailureClass::Retry { after: None });
        assert_eq!(timed_out(Stage::End).class, FailureClass::Unknown);
    }

    #[test]
    fn a_full_mailbox_is_no_reason_to_leave_a_domain_alone() {
        let asks = |class, code: &'static str| asks_for_rest(&SendFailure::new(class, Some(code.into()), ""));
        let retry = FailureClass::Retry { after: None };
        assert!(asks(retry, "421") && asks(retry, "451 4.7.1"));
        assert!(!asks(retry, "452 4.2.2") && !asks(retry, "454 4.7.0") && !asks(retry, "network"));
        assert!(!asks(FailureClass::Recipient, "550 5.1.1"));
    }
}
