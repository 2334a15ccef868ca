//! A message as it goes out (RFC 5322): text and HTML as alternatives, with an id of ours.
//!
//! What cannot be written as a message fails as [`FailureClass::Request`], an address that is none as
//! [`FailureClass::Recipient`]: both are permanent.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::messaging::{Correlation, FailureClass, SendFailure};
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

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
    /// An `https` address that takes the POST of RFC 8058.
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

    /// As it goes over the wire. No program is to answer it by itself (RFC 3834).
    pub(crate) fn build(&self) -> Result<Message, SendFailure> {
        let to = self.to.parse::<Mailbox>().map_err(|error| failure(FailureClass::Recipient, &error))?;
        let from = self.from.parse::<Mailbox>().map_err(|error| failure(FailureClass::Request, &error))?;
        if self.subject.contains(['\r', '\n']) {
            return Err(SendFailure::new(FailureClass::Request, None, "a subject is one line"));
        }
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}>", self.id)))
            .date(self.date.into())
            .from(from)
            .to(to)
            .subject(self.subject.as_str());
        if self.automatic {
            let name = HeaderName::new_from_ascii_str("Auto-Submitted");
            builder = builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
        }
        let message = builder.multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()));
        message.map_err(|error| failure(FailureClass::Request, &error))
    }
}

fn failure(class: FailureClass, error: &dyn std::error::Error) -> SendFailure {
    SendFailure::new(class, None, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> EmailMessage {
        let message = EmailMessage::new(
            "1@renewals.example".to_owned(),
            "Renewals <no-reply@renewals.example>".to_owned(),
            "asha@example.com".to_owned(),
            "Grüße – ₹1,23,456".to_owned(),
            ("Hello\n".to_owned(), "<p>Hello</p>".to_owned()),
            DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        );
        EmailMessage { automatic: true, ..message }
    }

    #[test]
    fn a_message_is_text_and_html_with_an_id() {
        let text = String::from_utf8(message().build().unwrap().formatted()).unwrap();
        for part in [
            "Message-ID: <1@renewals.example>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "To: asha@example.com",
            "Auto-Submitted: auto-generated",
            "multipart/alternative",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.is_ascii());
        assert_eq!(format!("{:?}", message()), "EmailMessage(1@renewals.example)");
    }

    #[test]
    fn what_cannot_be_a_message_is_refused_for_good() {
        let class = |change: fn(&mut EmailMessage)| {
            let mut changed = message();
            change(&mut changed);
            changed.build().unwrap_err().class
        };
        assert_eq!(class(|message| message.to = "nobody".to_owned()), FailureClass::Recipient);
        assert_eq!(class(|message| message.to = "a@b.de\r\nBcc: c@d.de".to_owned()), FailureClass::Recipient);
        assert_eq!(class(|message| message.from = String::new()), FailureClass::Request);
        assert_eq!(class(|message| message.subject = "a\r\nBcc: c@d.de".to_owned()), FailureClass::Request);
    }
}
