//! A mail's page with its links watched and its opening told of.
//!
//! The page is rewritten as it streams by, in bounded memory; whatever is no link to the web stays byte by byte. A page
//! that cannot be rewritten goes out unwatched: watching is never a reason not to send.

use super::links::{Links, Utm};
use domain::ids::MessageId;
use lol_html::{
    MemorySettings, Settings,
    html_content::{ContentType, Element},
};
use lol_html::{element, end, rewrite_str};
use std::cell::Cell;
use url::Url;

/// As much as rewriting may hold in memory, in bytes.
const MEMORY: usize = 1024 * 1024;
/// An element that carries this is left alone: `<a data-track="off" href="…">`.
const MARK: &str = "data-track";

/// What to watch.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    /// Links of ours.
    pub links: &'a Links,
    /// The message.
    pub message: MessageId,
    /// What links get besides.
    pub utm: Option<&'a Utm>,
    /// Whether opening is told of.
    pub opens: bool,
    /// Whether following links is.
    pub clicks: bool,
}

impl Watch<'_> {
    /// The address to put in place of an attribute's; `None`: it stays.
    fn instead(&self, attribute: &str) -> Option<String> {
        let plain = decoded(attribute.trim());
        let mut url = Url::parse(&plain).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        if self.links.is_own(&plain) {
            return None;
        }
        if let Some(utm) = self.utm {
            utm.add(&mut url);
        }
        let watched = self.clicks.then(|| self.links.click(self.message, url.as_str())).flatten();
        match watched {
            Some(link) => Some(link),
            // too long for a token: it leads there by itself
            None => self.utm.map(|_| url.as_str().replace('&', "&amp;")),
        }
    }

    fn rewrite(&self, link: &mut Element<'_, '_>) {
        if link.get_attribute(MARK).is_some_and(|mark| mark.eq_ignore_ascii_case("off")) {
            link.remove_attribute(MARK);
        } else if let Some(address) = link.get_attribute("href").and_then(|href| self.instead(&href)) {
            // an attribute's name of ours is always right
            let _set = link.set_attribute("href", &address);
        }
    }

    fn pixel(&self) -> Option<String> {
        let address = self.links.open(self.message).filter(|_| self.opens)?;
        Some(format!(r#"<img src="{address}" width="1" height="1" alt="" style="display:block;border:0">"#))
    }
}

/// The page, watched.
pub fn track(html: &str, watch: &Watch<'_>) -> String {
    let pixel = watch.pixel();
    let is_placed = Cell::new(pixel.is_none());
    let place = |body: &mut Element<'_, '_>| {
        if let Some(pixel) = pixel.as_ref().filter(|_| !is_placed.replace(true)) {
            body.append(pixel, ContentType::Html);
        }
    };
    let settings = Settings::new()
        .append_element_content_handler(element!("a[href], area[href]", |link| {
            watch.rewrite(link);
            Ok(())
        }))
        .append_element_content_handler(element!("body", |body| {
            place(body);
            Ok(())
        }))
        .append_document_content_handler(end!(|end| {
            // a page without a body
            if let Some(pixel) = pixel.as_ref().filter(|_| !is_placed.get()) {
                end.append(pixel, ContentType::Html);
            }
            Ok(())
        }));
    let settings = settings.with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MEMORY));
    rewrite_str(html, settings).unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "a page cannot be rewritten; it goes out unwatched");
        html.to_owned()
    })
}

/// An attribute's value as it is meant: of entities, those that addresses hold.
fn decoded(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest.find(';').filter(|end| *end <= 10).map(|end| &rest[..=end]);
        let meant = entity.and_then(|entity| match &entity[1..entity.len() - 1] {
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "lt" => Some('<'),
            "gt" => Some('>'),
            number => {
                let digits = number.strip_prefix('#')?;
                let hex = digits.strip_prefix(['x', 'X']);
                let code = hex.map_or_else(|| digits.parse(), |hex| u32::from_str_radix(hex, 16)).ok()?;
                char::from_u32(code)
            }
        });
        match (meant, entity) {
            (Some(meant), Some(entity)) => {
                plain.push(meant);
                rest = &rest[entity.len()..];
            }
            _ => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::messaging::tracking::{Kind, Token};
    use proptest::prelude::*;

    fn links() -> Links {
        Links::new("https://r.example", &"a key for tests, long enough for one".into())
    }

    fn tracked(html: &str, utm: Option<&Utm>, opens: bool, clicks: bool) -> String {
        track(html, &Watch { links: &links(), message: MessageId(7), utm, opens, clicks })
    }

    fn utm() -> Utm {
        Utm { source: "renewals".into(), medium: "email".into(), campaign: "May & June".into(), content: String::new() }
    }

    /// Where the links of a page lead in the end.
    fn leads(html: &str) -> Vec<String> {
        let parts = html.split("https://r.example/t/c/").skip(1);
        parts
            .map(|rest| match links().read(rest.split('"').next().unwrap()).unwrap() {
                Token { message: MessageId(7), kind: Kind::Click(url) } => url,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn links_to_the_web_are_watched_and_no_others() {
        let own = links().unsubscribe(MessageId(7)).unwrap();
        let html = format!(
            "<html><body><p>Caf\u{e9} & co</p><A HREF='http://a.example/x?a=1&amp;b=2#c'>a</A>\
             <a href=\"mailto:a@b.example\">b</a><a href=\"tel:+91\">c</a><a href=\"#top\">d</a><a href=\"{own}\">e</a>\
             <a data-track=\"off\" href=\"https://b.example\">f</a><a name=x>g</a></body></html>"
        );
        let watched = tracked(&html, Some(&utm()), true, true);
        assert_eq!(
            leads(&watched),
            ["http://a.example/x?a=1&b=2&utm_source=renewals&utm_medium=email&utm_campaign=May+%26+June#c"]
        );
        for kept in ["Caf\u{e9} & co", "mailto:a@b.example", "tel:+91", "#top", own.as_str(), "\"https://b.example\""] {
            assert!(watched.contains(kept), "{kept}: {watched}");
        }
        assert!(!watched.contains("data-track"));
        let pixel = watched.find("<img src=\"https://r.example/t/o/").unwrap();
        assert!(pixel < watched.find("</body>").unwrap() && watched.matches("<img").count() == 1);
    }

    #[test]
    fn what_is_not_to_be_watched_stays_as_it_is() {
        let html = "<p>no <a href=\"https://a.example?x=1&amp;y=2\">body</a>";
        assert_eq!(tracked(html, None, false, false), html);
        assert!(tracked(html, None, true, false).starts_with(html));
        assert!(
            tracked(html, Some(&utm()), false, false)
                .contains("https://a.example/?x=1&amp;y=2&amp;utm_source=renewals")
        );
        let known = "<a href=\"https://a.example/?utm_source=x\">a</a>";
        assert!(tracked(known, Some(&utm()), false, false).contains("utm_source=x&amp;utm_medium=email"));
    }

    #[test]
    fn an_address_too_long_for_a_token_leads_there_by_itself() {
        let html = format!("<a href=\"https://a.example/{}\">a</a>", "x".repeat(3_000));
        assert_eq!(tracked(&html, None, false, true), html);
    }

    proptest! {
        #[test]
        fn any_page_can_be_watched(html in "(<a href=\"|<body>|</|<!--|&amp;|&#x|'|\"|https://a.example|>|[a-z ]|<script>|<textarea>){0,60}") {
            let _ = tracked(&html, Some(&utm()), true, true);
        }

        #[test]
        fn text_without_links_is_kept_byte_by_byte(text in "[^<]{0,200}") {
            prop_assert_eq!(tracked(&text, Some(&utm()), false, true), text);
        }
    }
}
