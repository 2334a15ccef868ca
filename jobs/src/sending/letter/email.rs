//! An e-mail: a subject, a page and a text, framed by what every mail of the insurer has.

use super::{LetterError, Stamp, Unwritable, page::Page, template_error};
use crate::sending::content::EmailContent;
use domain::{
    campaigns::ExclusionReason,
    messaging::{
        Correlation,
        template::{Template, Variables},
    },
};
use providers::email::{EmailMessage, Unsubscribe};
use schema::template_versions::TemplateVersion;
use std::{fmt, sync::Arc};

/// Links of ours that a mail carries, made for one message.
pub trait SafeLinks: Send + Sync {
    /// Where the recipient stops further messages (RFC 8058).
    fn unsubscribe(&self, message: Correlation) -> Option<String>;

    /// The page with its opens and clicks watched.
    fn tracked(&self, message: Correlation, html: String) -> String;
}

/// What every mail has.
#[derive(Clone)]
pub struct Frame {
    /// What mails are from: an address, with or without a name.
    pub from: String,
    /// Links of ours.
    pub links: Arc<dyn SafeLinks>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({})", self.from)
    }
}

/// A template, ready to be filled in.
#[derive(Debug)]
pub(super) struct EmailLetter {
    subject: Template,
    body: Body,
    tracked: bool,
}

#[derive(Debug)]
enum Body {
    Text(Template),
    Page(Page),
}

impl EmailLetter {
    pub fn new(version: TemplateVersion) -> Result<Self, LetterError> {
        let wrong = template_error(&version.name);
        let subject = Template::compile(version.subject.as_deref().unwrap_or_default()).map_err(&wrong)?;
        let body = if version.is_html() {
            Body::Page(Page::new(&version.content).map_err(&wrong)?)
        } else {
            Body::Text(Template::compile(&version.content).map_err(&wrong)?)
        };
        Ok(Self { subject, body, tracked: version.tracked })
    }

    pub fn write(
        &self,
        address: &str,
        variables: &Variables,
        stamp: Stamp,
        frame: &Frame,
    ) -> Result<EmailMessage, Unwritable> {
        let fill = |text: &Template| text.render(variables).map_err(|error| ExclusionReason::of(&error));
        let (text, mut html) = match &self.body {
            Body::Text(text) => {
                let text = fill(text)?;
                let html = page_of(&text);
                (text, html)
            }
            Body::Page(page) => (fill(&page.text)?, fill(&page.html)?),
        };
        if self.tracked {
            html = frame.links.tracked(stamp.correlation, html);
        }
        // a value may bring a line of its own
        let subject = fill(&self.subject)?.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(framed(address, subject, (text, html), stamp, frame))
    }
}

/// A message that says itself what it says.
pub(super) fn plain(address: &str, content: EmailContent, stamp: Stamp, frame: &Frame) -> EmailMessage {
    let html = content.html.unwrap_or_else(|| page_of(&content.text));
    let message = framed(address, content.subject, (content.text, html), stamp, frame);
    EmailMessage { reply_to: content.reply_to, ..message }
}

fn framed(address: &str, subject: String, bodies: (String, String), stamp: Stamp, frame: &Frame) -> EmailMessage {
    let id = format!("{}@{}", stamp.correlation, domain_of(&frame.from));
    let unsubscribe = frame.links.unsubscribe(stamp.correlation).map(|url| Unsubscribe { url, mailto: None });
    EmailMessage {
        unsubscribe,
        correlation: Some(stamp.correlation),
        ..EmailMessage::new(id, frame.from.clone(), address.to_owned(), subject, bodies, stamp.now)
    }
}

/// A text as a page: its paragraphs, escaped.
fn page_of(text: &str) -> String {
    let escape = |line: &str| minijinja::HtmlEscape(line).to_string();
    let paragraph = |paragraph: &str| paragraph.lines().map(escape).collect::<Vec<_>>().join("<br>");
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    let paragraphs: String = paragraphs.map(|text| format!("<p>{}</p>", paragraph(text.trim()))).collect();
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"></head>\
         <body style=\"font-family:sans-serif;line-height:1.5;color:#1f2933\">{paragraphs}</body></html>"
    )
}

/// The part after the @ of `Name <local@domain>`.
fn domain_of(sender: &str) -> &str {
    let domain = sender.rsplit('@').next().unwrap_or_default().trim_end_matches(['>', ' ']);
    if domain.is_empty() { "localhost" } else { domain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_page_without_markup_of_its_own() {
        let page = page_of("Dear <A>,\nhello\n\nBye & thanks\n");
        assert!(page.contains("<p>Dear &lt;A&gt;,<br>hello</p><p>Bye &amp; thanks</p>"), "{page}");
        assert_eq!(domain_of("Renewals <no-reply@renewals.example>"), "renewals.example");
    }
}
