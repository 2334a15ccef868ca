//! What a message must be before it is written for any provider: its addresses, its headers, its files.
//!
//! What cannot be sent fails as [`FailureClass::Request`], a recipient's address that is none as
//! [`FailureClass::Recipient`]: both are permanent.

use super::EmailMessage;
use domain::messaging::{FailureClass, SendFailure};
use lettre::message::{Mailbox, header::ContentType};

/// The header that carries the message row and the attempt: reports of mail servers return it.
pub const CORRELATION_HEADER: &str = "X-Renewals-Correlation";
/// The longest address of a header, so that its line stays within what a mail server takes (RFC 5322, 2.1.1).
const ADDRESS_LIMIT: usize = 900;
/// The longest name of a file, in characters.
const NAME_LIMIT: usize = 255;

/// The addresses of a message that has been looked at.
pub(crate) struct Checked {
    /// The recipient.
    pub to: Mailbox,
    /// The sender.
    pub from: Mailbox,
    /// Where answers go.
    pub reply_to: Option<Mailbox>,
    /// Headers that every provider passes on: names, and values that fit on one line.
    pub headers: Vec<(&'static str, String)>,
}

pub(super) fn refused(detail: &str) -> SendFailure {
    SendFailure::new(FailureClass::Request, None, detail)
}

fn mailbox(text: &str, class: FailureClass) -> Result<Mailbox, SendFailure> {
    text.parse().map_err(|error: lettre::address::AddressError| SendFailure::new(class, None, &error.to_string()))
}

impl EmailMessage {
    /// Looks at everything that providers would refuse, or that would change what another header says.
    pub(crate) fn checked(&self) -> Result<Checked, SendFailure> {
        let to = mailbox(&self.to, FailureClass::Recipient)?;
        let from = mailbox(&self.from, FailureClass::Request)?;
        let reply_to = self.reply_to.as_deref().map(|text| mailbox(text, FailureClass::Request)).transpose()?;
        if self.subject.contains(['\r', '\n', '\0']) || self.subject.chars().count() > Self::SUBJECT_LIMIT {
            return Err(refused("a subject is one line of at most 998 characters"));
        }
        if !is_id(&self.id) {
            return Err(refused("the id of a message is local@domain"));
        }
        self.check_attachments()?;
        Ok(Checked { to, from, reply_to, headers: self.headers()? })
    }

    fn check_attachments(&self) -> Result<(), SendFailure> {
        let total: usize = self.attachments.iter().map(|attachment| attachment.content.len()).sum();
        if total > Self::ATTACHED_LIMIT {
            return Err(refused("the files of a message are larger than 10 MiB together"));
        }
        for attachment in &self.attachments {
            let name = &attachment.name;
            if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
                return Err(refused("the name of a file is one line of at most 255 characters"));
            }
            if ContentType::parse(&attachment.content_type).is_err() || attachment.content_type.contains(['\r', '\n']) {
                return Err(refused("the media type of a file cannot be read"));
            }
            if attachment.inline_id.as_deref().is_some_and(|id| !is_content_id(id)) {
                return Err(refused("the id of a picture is of letters, digits and -_.@"));
            }
        }
        Ok(())
    }

    fn headers(&self) -> Result<Vec<(&'static str, String)>, SendFailure> {
        let mut headers = Vec::new();
        if let Some(correlation) = self.correlation {
            headers.push((CORRELATION_HEADER, correlation.to_string()));
        }
        if self.automatic {
            headers.push(("Auto-Submitted", "auto-generated".to_owned()));
        }
        let Some(unsubscribe) = &self.unsubscribe else { return Ok(headers) };
        let url = &unsubscribe.url;
        let posted = url.starts_with("https://");
        if !(posted || url.starts_with("http://")) || !is_plain(url) {
            return Err(refused("the address to unsubscribe at cannot be read"));
        }
        let list = match &unsubscribe.mailto {
            Some(address) if is_plain(address) && address.contains('@') => format!("<{url}>, <mailto:{address}>"),
            Some(_) => return Err(refused("the address to unsubscribe by mail cannot be read")),
            None => format!("<{url}>"),
        };
        headers.push(("List-Unsubscribe", list));
        // RFC 8058 knows https alone
        if posted {
            headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        Ok(headers)
    }
}

fn is_id(id: &str) -> bool {
    id.len() <= 250
        && is_plain(id)
        && id.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Fits between brackets, on one line.
fn is_plain(text: &str) -> bool {
    (1..=ADDRESS_LIMIT).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

fn is_content_id(id: &str) -> bool {
    (1..=NAME_LIMIT).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'))
}
