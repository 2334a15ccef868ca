//! A mail's page with its links watched and its opening told of.
//!
//! The page is rewritten as it streams by, in bounded memory; whatever is no link to the web stays byte by byte. A page
//! that cannot be rewritten goes out unwatched: watching is never a reason not to send.

use super::links::{Links, Utm};
use domain::{
    ids::MessageId,
    messaging::tracking::{LONGEST_LINK, place},
};
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
/// On a link whose address is filled in: its number among the template's. It does not go out.
pub(crate) const NUMBER: &str = "data-track-number";

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
    /// Links whose addresses are filled in, as the template writes them, by their numbers.
    pub patterns: &'a [String],
}

impl Watch<'_> {
    /// The address to put in place of an attribute's; `None`: it stays. `pattern`: it as the template writes it, when that
    /// is not the same for everybody.
    fn instead(&self, attribute: &str, pattern: Option<&str>) -> Option<String> {
        let plain = decoded(attribute.trim());
        let mut url = Url::parse(&plain).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        if self.links.is_own(&plain) {
            return None;
        }
        if let Some(utm) = self.utm {
            utm.add(&mut url);
        }
        let link = pattern.unwrap_or_else(|| place(url.as_str()));
        let link = &link[..link.floor_char_boundary(LONGEST_LINK)];
        let watched = self.clicks.then(|| self.links.click(self.message, url.as_str(), link)).flatten();
        match watched {
            Some(link) => Some(link),
            // too long for a token: it leads there by itself
            None => self.utm.map(|_| url.as_str().replace('&', "&amp;")),
        }
    }

    fn rewrite(&self, link: &mut Element<'_, '_>) {
        let number = link.get_attribute(NUMBER);
        if number.is_some() {
            link.remove_attribute(NUMBER);
        }
        let pattern = number.and_then(|number| self.patterns.get(number.parse::<usize>().ok()?)).map(String::as_str);
        if link.get_attribute(MARK).is_some_and(|mark| mark.eq_ignore_ascii_case("off")) {
            link.remove_attribute(MARK);
        } else if let Some(address) = link.get_attribute("href").and_then(|href| self.instead(&href, pattern)) {
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
pub(crate) fn decoded(value: &str) -> String {
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
        let patterns = ["https://pay.example/{policy_number}".to_owned()];
        track(html, &Watch { links: &links(), message: MessageId(7), utm, opens, clicks, patterns: &patterns })
    }

    fn utm() -> Utm {
        Utm { source: "renewals".into(), medium: "email".into(), campaign: "May & June".into(), content: String::new() }
    }

    /// Where the links of a page lead in the end, and what they are called.
    fn leads(html: &str) -> Vec<(String, String)> {
        let parts = html.split("https://r.example/t/c/").skip(1);
        parts
            .map(|rest| match links().read(rest.split('"').next().unwrap()).unwrap() {
                Token { message: MessageId(7), kind: Kind::Click { url, link: Some(link) } } => (url, link),
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
            [(
                "http://a.example/x?a=1&b=2&utm_source=renewals&utm_medium=email&utm_campaign=May+%26+June#c"
                    .to_owned(),
                "http://a.example/x".to_owned()
            )]
        );
        for kept in ["Caf\u{e9} & co", "mailto:a@b.example", "tel:+91", "#top", own.as_str(), "\"https://b.example\""] {
            assert!(watched.contains(kept), "{kept}: {watched}");
        }
        assert!(!watched.contains("data-track"));
        let pixel = watched.find("<img src=\"https://r.example/t/o/").unwrap();
        assert!(pixel < watched.find("</body>").unwrap() && watched.matches("<img").count() == 1);
    }

    #[test]
    fn a_link_that_is_filled_in_is_called_what_its_template_calls_it() {
        let html = "<a data-track-number=\"0\" href=\"https://pay.example/P-1\">a</a>\
                    <a data-track-number=\"7\" href=\"https://pay.example/x\">a</a>";
        let watched = tracked(html, None, false, true);
        let lead = |url: &str, link: &str| (url.to_owned(), link.to_owned());
        let expected = [
            lead("https://pay.example/P-1", "https://pay.example/{policy_number}"),
            lead("https://pay.example/x", "https://pay.example/x"),
        ];
        assert_eq!(leads(&watched), expected);
        assert!(!watched.contains("data-track"), "{watched}");
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
