//! A message of each kind.

use domain::{ids::MessageId, messaging::Correlation};
use providers::email::{Attachment, EmailMessage, Unsubscribe};

/// Text and page alone.
pub fn plain() -> EmailMessage {
    let message = EmailMessage::new(
        "m-12-2@renewals.example".to_owned(),
        "Renewals <no-reply@renewals.example>".to_owned(),
        "asha@example.com".to_owned(),
        "Grüße – ₹1,23,456".to_owned(),
        ("Hello".to_owned(), "<p>Hello <img src=\"cid:logo\"></p>".to_owned()),
        chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
    );
    EmailMessage { correlation: Some(Correlation { message: MessageId(12), attempt: 2 }), ..message }
}

/// Every kind, by name.
pub fn each_kind() -> Vec<(&'static str, EmailMessage)> {
    let file = |name: &str, kind: &str, id: Option<&str>| Attachment {
        name: name.to_owned(),
        content_type: kind.to_owned(),
        content: b"\x89PNG\r\n\x00\xff".to_vec().into(),
        inline_id: id.map(str::to_owned),
    };
    let policy = file("पॉलिसी.pdf", "application/pdf", None);
    let logo = file("logo.png", "image/png", Some("logo"));
    let url = "https://renewals.example/u/1".to_owned();
    let unsubscribe = Some(Unsubscribe { url, mailto: Some("stop@renewals.example".to_owned()) });
    let reply_to = Some("Service <service@renewals.example>".to_owned());
    vec![
        ("plain", plain()),
        ("attachments", EmailMessage { attachments: vec![policy.clone(), policy.clone()], ..plain() }),
        ("inline", EmailMessage { attachments: vec![logo.clone()], ..plain() }),
        ("unsubscribe", EmailMessage { unsubscribe: unsubscribe.clone(), ..plain() }),
        ("reply-to", EmailMessage { reply_to: reply_to.clone(), ..plain() }),
        ("text alone", EmailMessage { html: String::new(), ..plain() }),
        ("uncorrelated", EmailMessage { correlation: None, automatic: true, ..plain() }),
        ("everything", EmailMessage { attachments: vec![logo, policy], unsubscribe, reply_to, ..plain() }),
    ]
}
