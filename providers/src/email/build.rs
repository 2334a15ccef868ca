//! A message as it goes over the wire (RFC 5322, RFC 2045): text and HTML as alternatives, the page's pictures with the
//! page, files beside both.
//!
//! Fails as [`checked`](super::checked) does.

use super::{EmailMessage, checked::refused};
use domain::messaging::SendFailure;
use lettre::{
    Message,
    message::{
        Attachment as Part, Body, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};

impl EmailMessage {
    /// The bytes that go over the wire, unsigned.
    pub fn written(&self) -> Result<Vec<u8>, SendFailure> {
        Ok(self.build()?.formatted())
    }

    /// As it goes over the wire.
    pub(crate) fn build(&self) -> Result<Message, SendFailure> {
        let checked = self.checked()?;
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}>", self.id)))
            .date(self.date.into())
            .from(checked.from)
            .to(checked.to)
            .subject(self.subject.as_str());
        if let Some(reply_to) = checked.reply_to {
            builder = builder.reply_to(reply_to);
        }
        for (name, value) in checked.headers {
            builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        builder.multipart(self.parts()?).map_err(|error| refused(&error.to_string()))
    }

    fn parts(&self) -> Result<MultiPart, SendFailure> {
        let (mut pictures, mut files) = (Vec::new(), Vec::new());
        for attachment in &self.attachments {
            let kind = ContentType::parse(&attachment.content_type)
                .map_err(|_| refused("the media type of a file cannot be read"))?;
            let (part, into) = match &attachment.inline_id {
                Some(id) => (Part::new_inline_with_name(id.clone(), attachment.name.clone()), &mut pictures),
                None => (Part::new(attachment.name.clone()), &mut files),
            };
            // a text must not have its lines ended otherwise on the way
            let body = Body::new_with_encoding(attachment.content.to_vec(), ContentTransferEncoding::Base64)
                .map_err(|_| refused("a file cannot be written"))?;
            into.push(part.body(body, kind));
        }
        let bodies = MultiPart::alternative().singlepart(SinglePart::plain(self.text.clone()));
        let page = SinglePart::html(self.html.clone());
        let bodies = if pictures.is_empty() {
            bodies.singlepart(page)
        } else {
            let related = MultiPart::related().singlepart(page);
            bodies.multipart(pictures.into_iter().fold(related, MultiPart::singlepart))
        };
        if files.is_empty() {
            return Ok(bodies);
        }
        Ok(files.into_iter().fold(MultiPart::mixed().multipart(bodies), MultiPart::singlepart))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attachment, CORRELATION_HEADER, Unsubscribe};
    use super::*;
    use chrono::DateTime;
    use domain::{
        ids::MessageId,
        messaging::{Correlation, FailureClass},
    };
    use mail_parser::{MessageParser, MimeHeaders};

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

    fn full() -> EmailMessage {
        EmailMessage {
            reply_to: Some("Service <service@renewals.example>".to_owned()),
            unsubscribe: Some(Unsubscribe {
                url: format!("https://renewals.example/u/{}", "x".repeat(200)),
                mailto: Some("stop@renewals.example?subject=12".to_owned()),
            }),
            attachments: vec![
                Attachment {
                    name: "पॉलिसी.pdf".to_owned(),
                    content_type: "application/pdf".to_owned(),
                    content: b"%PDF-1.4\n\xff\x00".to_vec().into(),
                    inline_id: None,
                },
                Attachment {
                    name: "logo.png".to_owned(),
                    content_type: "image/png".to_owned(),
                    content: b"\x89PNG\r\n".to_vec().into(),
                    inline_id: Some("logo@renewals".to_owned()),
                },
            ],
            correlation: Some(Correlation { message: MessageId(12), attempt: 2 }),
            automatic: false,
            ..message()
        }
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

    /// Read by another program than the one that wrote it.
    #[test]
    fn files_pictures_and_headers_arrive_as_they_were_meant() {
        let built = full().build().unwrap().formatted();
        assert!(built.split(|b| *b == b'\n').all(|line| line.len() <= 998), "lines a mail server takes");
        let read = MessageParser::default().parse(&built).unwrap();
        let header = |name: &str| read.header_raw(name).unwrap_or_default().trim().to_owned();
        assert_eq!(read.subject(), Some("Grüße – ₹1,23,456"));
        assert_eq!(read.reply_to().unwrap().first().unwrap().address(), Some("service@renewals.example"));
        assert_eq!(header(CORRELATION_HEADER), "m-12-2");
        let list = header("List-Unsubscribe").split_whitespace().collect::<String>();
        let url = "x".repeat(200);
        assert_eq!(list, format!("<https://renewals.example/u/{url}>,<mailto:stop@renewals.example?subject=12>"));
        assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        assert_eq!(header("Auto-Submitted"), "");
        assert_eq!((read.body_text(0).unwrap().trim(), read.body_html(0).unwrap().trim()), ("Hello", "<p>Hello</p>"));
        let kinds: Vec<_> = read.parts.iter().map(|part| part.content_type().unwrap().subtype().unwrap()).collect();
        assert_eq!(kinds, ["mixed", "alternative", "plain", "related", "html", "png", "pdf"]);
        let part = |number: usize| &read.parts[number];
        assert_eq!(part(5).content_id(), Some("logo@renewals"));
        assert_eq!(part(5).contents(), b"\x89PNG\r\n");
        assert_eq!((part(6).attachment_name(), part(6).contents()), (Some("पॉलिसी.pdf"), &b"%PDF-1.4\n\xff\x00"[..]));
    }

    #[test]
    fn what_nobody_can_post_to_is_only_named() {
        let url = "http://localhost:8000/u/1".to_owned();
        let plain = EmailMessage { unsubscribe: Some(Unsubscribe { url, mailto: None }), ..message() };
        let built = String::from_utf8(plain.build().unwrap().formatted()).unwrap();
        assert!(built.contains("List-Unsubscribe: <http://localhost:8000/u/1>"), "{built}");
        assert!(!built.contains("List-Unsubscribe-Post"));
    }

    #[test]
    fn what_cannot_be_a_message_is_refused_for_good() {
        let class = |change: fn(&mut EmailMessage)| {
            let mut changed = full();
            change(&mut changed);
            changed.build().unwrap_err().class
        };
        assert_eq!(class(|message| message.to = "nobody".to_owned()), FailureClass::Recipient);
        assert_eq!(class(|message| message.to = "a@b.de\r\nBcc: c@d.de".to_owned()), FailureClass::Recipient);
        let changes: [fn(&mut EmailMessage); 13] = [
            |message| message.from = String::new(),
            |message| message.subject = "a\r\nBcc: c@d.de".to_owned(),
            |message| message.subject = "x".repeat(999),
            |message| message.id = "a@b>\r\nBcc: c@d.de".to_owned(),
            |message| message.reply_to = Some("nobody".to_owned()),
            |message| message.unsubscribe.as_mut().unwrap().url = "javascript:x".to_owned(),
            |message| message.unsubscribe.as_mut().unwrap().url = "https://a>\r\nBcc: c@d.de".to_owned(),
            |message| message.unsubscribe.as_mut().unwrap().mailto = Some("a b@c".to_owned()),
            |message| message.attachments[0].name = "a\r\nb".to_owned(),
            |message| message.attachments[0].content_type = "no such".to_owned(),
            |message| message.attachments[0].content_type = "text/plain\r\nX: y".to_owned(),
            |message| message.attachments[1].inline_id = Some("a>b".to_owned()),
            |message| message.attachments[0].content = vec![0; EmailMessage::ATTACHED_LIMIT].into(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_eq!(class(change), FailureClass::Request, "change {number}");
        }
    }
}
