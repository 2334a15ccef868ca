//! An e-mail: a subject, a page and a text, framed by what every mail of the insurer has.

use super::{LetterError, Stamp, Unwritable, page::Page, template_error};
use crate::{
    sending::content::EmailContent,
    tracking::{Links, Utm, Watch, track},
};
use domain::{
    campaigns::ExclusionReason,
    messaging::{
        Purpose,
        template::{Template, Variables},
    },
};
use providers::email::{EmailMessage, Unsubscribe, domain_of};
use schema::template_versions::TemplateVersion;

/// What every mail has.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What mails are from: an address, with or without a name.
    pub from: String,
    /// Links of ours.
    pub links: Links,
}

/// A template, ready to be filled in.
#[derive(Debug)]
pub(super) struct EmailLetter {
    subject: Template,
    body: Body,
    tracked: bool,
    utm: Utm,
    /// The text says itself how to stop further ones.
    has_way_out: bool,
}

#[derive(Debug)]
enum Body {
    Text(Box<Template>),
    Page(Box<Page>),
}

impl EmailLetter {
    pub fn new(version: TemplateVersion) -> Result<Self, LetterError> {
        let wrong = template_error(&version.name);
        let subject = Template::compile_short(version.subject.as_deref().unwrap_or_default()).map_err(&wrong)?;
        let body = if version.is_html() {
            Body::Page(Box::new(Page::new(&version.content, version.tracked).map_err(&wrong)?))
        } else {
            Body::Text(Box::new(Template::compile(&version.content).map_err(&wrong)?))
        };
        let has_way_out = version.content.contains("unsubscribe_url") || version.content.contains("preferences_url");
        let utm = Utm {
            source: "renewals".to_owned(),
            medium: "email".to_owned(),
            campaign: version.name,
            content: version.language,
        };
        Ok(Self { subject, body, tracked: version.tracked, utm, has_way_out })
    }

    pub fn write(
        &self,
        address: &str,
        other_subject: Option<&str>,
        variables: &Variables,
        stamp: Stamp,
        frame: &Frame,
    ) -> Result<EmailMessage, Unwritable> {
        let message = stamp.correlation.message;
        let mut variables = variables.clone();
        for (name, link) in [
            ("unsubscribe_url", frame.links.unsubscribe(message)),
            ("preferences_url", frame.links.preferences(message)),
            ("view_url", frame.links.view(message)),
        ] {
            variables.given.extend(link.map(|link| (name.to_owned(), link)));
        }
        let fill = |text: &Template| text.render(&variables).map_err(|error| ExclusionReason::of(&error));
        let (mut text, mut html) = match &self.body {
            Body::Text(text) => {
                let text = fill(text)?;
                let html = page_of(&text);
                (text, html)
            }
            Body::Page(page) => (fill(&page.text)?, fill(&page.html)?),
        };
        if stamp.purpose == Purpose::Marketing && !self.has_way_out {
            (text, html) = with_way_out((text, html), frame.links.unsubscribe(message));
        }
        if self.tracked {
            let patterns = match &self.body {
                Body::Text(_) => &[],
                Body::Page(page) => page.links.as_slice(),
            };
            let (links, utm) = (&frame.links, Some(&self.utm));
            let watch = Watch { links, message, utm, opens: true, clicks: true, patterns };
            html = track(&html, &watch);
        }
        // a value may bring a line of its own
        let other = other_subject.map(Template::compile_short).transpose();
        let other = other.map_err(|error| (ExclusionReason::Unrenderable, error.to_string()))?;
        let subject = fill(other.as_ref().unwrap_or(&self.subject))?.split_whitespace().collect::<Vec<_>>().join(" ");
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
    let unsubscribe = frame.links.unsubscribe(stamp.correlation.message).map(|url| Unsubscribe { url, mailto: None });
    EmailMessage {
        unsubscribe,
        correlation: Some(stamp.correlation),
        ..EmailMessage::new(id, frame.from.clone(), address.to_owned(), subject, bodies, stamp.now)
    }
}

/// Both bodies with a line that says how to stop further ones.
fn with_way_out((text, html): (String, String), link: Option<String>) -> (String, String) {
    let Some(link) = link else { return (text, html) };
    let line = format!("<p style=\"font-size:12px;color:#697586\"><a href=\"{link}\">Unsubscribe</a></p>");
    let html = match html.rfind("</body>") {
        Some(end) => format!("{}{line}{}", &html[..end], &html[end..]),
        None => html + &line,
    };
    (format!("{}\n\nUnsubscribe: {link}\n", text.trim_end()), html)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_page_without_markup_of_its_own() {
        let page = page_of("Dear <A>,\nhello\n\nBye & thanks\n");
        assert!(page.contains("<p>Dear &lt;A&gt;,<br>hello</p><p>Bye &amp; thanks</p>"), "{page}");
    }
}
