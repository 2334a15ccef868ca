//! Pages of mails: styles moved to where mail programs look for them, a text part for those that show none, and links
//! numbered whose addresses are filled in, so that clicks on them are counted together.
//!
//! All are made once a template and not once a recipient: the template's tags are taken out before and put back after.
//! Fails with what the template engine finds in the result; what cannot be inlined is left as it is.

use crate::tracking::{NUMBER, decoded};
use domain::messaging::{
    template::{Template, TemplateError},
    tracking::place,
};
use lol_html::{Settings, element, rewrite_str};

/// Wide enough that no line of a text part is broken inside a tag.
const TEXT_WIDTH: usize = 100_000;

/// A page and its text part, ready to be filled in.
#[derive(Debug)]
pub(super) struct Page {
    pub html: Template,
    pub text: Template,
    /// Links whose addresses are filled in, as the template writes them, by their numbers.
    pub links: Vec<String>,
}

impl Page {
    pub fn new(content: &str, tracked: bool) -> Result<Self, TemplateError> {
        let (plain, tags) = without_tags(content);
        let inliner = css_inline::CSSInliner::options().load_remote_stylesheets(false).build();
        let inlined = inliner.inline(&plain).unwrap_or_else(|_| plain.clone());
        let (inlined, links) = if tracked { numbered(inlined, &tags) } else { (inlined, Vec::new()) };
        let text = html2text::config::plain().string_from_read(plain.as_bytes(), TEXT_WIDTH);
        let text = text.unwrap_or_else(|_| plain.clone());
        Ok(Self {
            html: Template::compile_html(&with_tags(&inlined, &tags))?,
            text: Template::compile(&with_tags(&text, &tags))?,
            links,
        })
    }
}

/// The page with a number on each link whose address is not the same for everybody, and those addresses. What follows a
/// `?` tells no links apart.
fn numbered(page: String, tags: &[&str]) -> (String, Vec<String>) {
    let mut links = Vec::new();
    let number = element!("a[href], area[href]", |link| {
        let href = decoded(link.get_attribute("href").unwrap_or_default().trim());
        let marked = place(&href);
        let pattern = with_tags(marked, tags);
        if pattern != marked {
            link.set_attribute(NUMBER, &links.len().to_string())?;
            links.push(pattern);
        }
        Ok(())
    });
    match rewrite_str(&page, Settings::new().append_element_content_handler(number)) {
        Ok(numbered) => (numbered, links),
        // watching it fails on the same
        Err(_) => (page, Vec::new()),
    }
}

/// What stands for the tag of that number. Letters and digits only, so that nothing escapes or wraps it.
fn mark(number: usize) -> String {
    format!("zxtag{number}gatxz")
}

/// The content with every `{…}`, `{{ … }}` and `{% … %}` replaced, and what was replaced.
fn without_tags(content: &str) -> (String, Vec<&str>) {
    let (mut plain, mut tags, mut rest) = (String::with_capacity(content.len()), Vec::new(), content);
    while let Some(start) = rest.find('{') {
        let (before, tag) = rest.split_at(start);
        plain.push_str(before);
        let length = match tag.as_bytes().get(1) {
            Some(b'{') => tag.find("}}").map(|end| end + 2),
            Some(b'%') => tag.find("%}").map(|end| end + 2),
            Some(b'#') => tag.find("#}").map(|end| end + 2),
            // braces of a style sheet hold more than a name
            _ => tag.find('}').filter(|end| is_name(&tag[1..*end])).map(|end| end + 1),
        };
        match length {
            Some(length) => {
                plain.push_str(&mark(tags.len()));
                tags.push(&tag[..length]);
                rest = &tag[length..];
            }
            None => {
                plain.push('{');
                rest = &tag[1..];
            }
        }
    }
    plain.push_str(rest);
    (plain, tags)
}

fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn with_tags(text: &str, tags: &[&str]) -> String {
    // the highest number first: the mark of 1 is no part of that of 11
    (0..tags.len()).rev().fold(text.to_owned(), |text, number| text.replace(&mark(number), tags[number]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::messaging::template::Variables;

    #[test]
    fn styles_are_moved_and_tags_survive() {
        let content = "<html><head><style>p { color: red; }</style></head><body>\
            <p>Dear {name},</p>{% if days_to_expiry > 3 %}<p>in {{ days_to_expiry }} days</p>{% endif %}\
            <a href=\"https://a.example/?p={{ policy_number }}\">Renew</a></body></html>";
        let page = Page::new(content, false).unwrap();
        let mut variables = Variables::sample();
        variables.given.insert("name".to_owned(), "A <b>".to_owned());
        variables.given.insert("policy_number".to_owned(), "P1".to_owned());
        let html = page.html.render(&variables).unwrap();
        assert!(html.contains("<p style=\"color: red;\">Dear A &lt;b&gt;,</p>"), "{html}");
        assert!(html.contains("in 30 days") && html.contains("https://a.example/?p=P1"), "{html}");
        let text = page.text.render(&variables).unwrap();
        assert!(text.contains("Dear A <b>,") && text.contains("https://a.example/?p=P1"), "{text}");
        assert!(!text.contains("<p") && !text.contains("zxtag"), "{text}");
    }

    #[test]
    fn links_that_are_filled_in_are_numbered() {
        let content = "<body><a href=\"https://a.example/x?p={policy_number}\">a</a>\
            <a href=\"https://pay.example/{policy_number}?a=1&amp;n={name}\">b</a>\
            <A HREF='{{ branch | lower }}'>c</A></body>";
        let page = Page::new(content, true).unwrap();
        assert_eq!(page.links, ["https://pay.example/{policy_number}", "{{ branch | lower }}"]);
        let html = page.html.render(&Variables::sample()).unwrap();
        assert!(html.contains("<a href=\"https://a.example/x?p="), "{html}");
        let second = html.split("https://pay.example/").nth(1).unwrap();
        assert!(second[..second.find('>').unwrap()].contains("data-track-number=\"0\""), "{html}");
        assert!(html.contains("data-track-number=\"1\""), "{html}");
    }

    #[test]
    fn braces_that_are_no_tags_stay() {
        assert_eq!(without_tags("a { b: c } {name} {").0, "a { b: c } zxtag0gatxz {");
        let (plain, tags) = without_tags("{a}{{ b }}{% if c %}");
        assert_eq!((with_tags(&plain, &tags).as_str(), tags.len()), ("{a}{{ b }}{% if c %}", 3));
    }
}
