//! What one message says, to whom, and what goes along. How it is written: [`build`](super::build).

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::messaging::Correlation;

/// One message to one recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailMessage {
    /// Unique in the world: `local@domain`, without brackets.
    pub id: String,
    /// The sender: an address, with or without a name.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// For programs that show text.
    pub text: String,
    /// For programs that show pages.
    pub html: String,
    /// When it was written.
    pub date: DateTime<Utc>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<String>,
    /// How its recipient stops further ones (RFC 2369, RFC 8058).
    pub unsubscribe: Option<Unsubscribe>,
    /// Files, and pictures that the page shows.
    pub attachments: Vec<Attachment>,
    /// Written by a program for nobody to answer (RFC 3834), as account mail is.
    pub automatic: bool,
    /// The message row and the attempt; comes back with events where the provider can echo it.
    pub correlation: Option<Correlation>,
}

/// How a recipient stops further messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// An `https` address that takes the POST of RFC 8058. Under `http`, which nobody posts to, it is only named.
    pub url: String,
    /// An address that takes a mail.
    pub mailto: Option<String>,
}

/// A file that goes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// What is in it.
    pub content: Bytes,
    /// A picture that the page shows as `cid:…`; `None`: a file beside the text.
    pub inline_id: Option<String>,
}

impl std::fmt::Debug for EmailMessage {
    /// Personal data and links that open accounts are not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmailMessage({})", self.id)
    }
}

impl EmailMessage {
    /// The most that files and pictures of one message may hold together, in bytes: every provider takes it, though
    /// the way it is written takes a third more.
    pub const ATTACHED_LIMIT: usize = 10 << 20;
    /// The longest subject, in characters.
    pub const SUBJECT_LIMIT: usize = 998;

    /// A message of text and page alone.
    pub fn new(
        id: String,
        from: String,
        to: String,
        subject: String,
        bodies: (String, String),
        date: DateTime<Utc>,
    ) -> Self {
        let (text, html) = bodies;
        Self {
            id,
            from,
            to,
            subject,
            text,
            html,
            date,
            reply_to: None,
            unsubscribe: None,
            attachments: Vec::new(),
            automatic: false,
            correlation: None,
        }
    }
}

/// The part after the @ of `Name <local@domain>`.
pub fn domain_of(sender: &str) -> &str {
    let domain = sender.rsplit('@').next().unwrap_or_default().trim_end_matches(['>', ' ']);
    if domain.is_empty() { "localhost" } else { domain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_of_a_sender_with_or_without_a_name() {
        assert_eq!(domain_of("Renewals <no-reply@renewals.example>"), "renewals.example");
        assert_eq!(domain_of("no-reply@renewals.example"), "renewals.example");
        assert_eq!(domain_of(""), "localhost");
    }
}
