//! A mail taken apart (RFC 5322, RFC 2045, RFC 2046), as far as reading bounces needs it.
//!
//! Made for what strangers send: depth, parts and lengths are bounded, nothing recurses, and whatever breaks the rules is
//! read as text. Messages inside a message are not gone into: they are what was returned.

use super::headers::Headers;
use mail_parser::decoders::{
    base64::base64_decode, charsets::map::charset_decoder, quoted_printable::quoted_printable_decode,
};

/// So much of a mail is read, in bytes; the rest is returned content.
pub const MAIL_LIMIT: usize = 256 * 1024;
/// So many parts are read.
pub const PART_LIMIT: usize = 40;
/// So deep may multiparts lie in each other.
pub const DEPTH_LIMIT: usize = 6;

/// One part that is no multipart.
#[derive(Debug)]
pub struct Part<'a> {
    /// Its headers; the mail's own, when the mail is one part.
    pub headers: Headers,
    /// Its media type in small letters: `message/delivery-status`.
    pub media_type: String,
    body: &'a [u8],
}

/// A mail.
#[derive(Debug)]
pub struct Mail<'a> {
    /// Its headers.
    pub headers: Headers,
    /// Its parts, in order.
    pub parts: Vec<Part<'a>>,
}

impl<'a> Mail<'a> {
    /// Takes a mail apart. Anything is a mail.
    pub fn read(raw: &'a [u8]) -> Self {
        let raw = raw.get(..MAIL_LIMIT).unwrap_or(raw);
        let (headers, body) = Headers::read(raw);
        let mut parts = Vec::new();
        // what is still to be taken apart, the next one last
        let mut waiting = vec![(headers.clone(), body, 0)];
        while let Some((headers, body, depth)) = waiting.pop() {
            if parts.len() >= PART_LIMIT {
                break;
            }
            let content_type = headers.get("content-type").unwrap_or("text/plain").to_owned();
            let media_type = media_type(&content_type);
            let boundary = parameter(&content_type, "boundary").filter(|_| media_type.starts_with("multipart/"));
            let inner = boundary.filter(|_| depth < DEPTH_LIMIT).map(|boundary| divide(body, &boundary));
            match inner {
                Some(inner) if !inner.is_empty() => {
                    let room = PART_LIMIT.saturating_sub(waiting.len());
                    waiting.extend(inner.into_iter().take(room).rev().map(|part| {
                        let (headers, body) = Headers::read(part);
                        (headers, body, depth + 1)
                    }));
                }
                _ => parts.push(Part { headers, media_type, body }),
            }
        }
        Self { headers, parts }
    }

    /// A parameter of the mail's own media type, in small letters: `report-type`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.headers.get("content-type").and_then(|text| parameter(text, name)).map(|text| text.to_lowercase())
    }

    /// The first part of a media type.
    pub fn part(&self, media_type: &str) -> Option<&Part<'a>> {
        self.parts.iter().find(|part| part.media_type == media_type)
    }

    /// What people read: the first part of plain text, or of a page without its marks.
    pub fn text(&self) -> String {
        let of = |kind: &str| self.parts.iter().find(|part| part.media_type == kind).map(Part::text);
        let plain = of("text/plain").filter(|text| !text.trim().is_empty());
        plain.or_else(|| of("text/html").map(|page| without_marks(&page))).unwrap_or_default()
    }
}

impl Part<'_> {
    /// Its content, decoded to text. Reads what is wrongly encoded as it stands.
    pub fn text(&self) -> String {
        let encoding = self.headers.get("content-transfer-encoding").unwrap_or_default().trim().to_lowercase();
        let decoded = match encoding.as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        let bytes = decoded.as_deref().unwrap_or(self.body);
        let charset = self.headers.get("content-type").and_then(|text| parameter(text, "charset"));
        let is_utf8 = |name: &String| name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii");
        match charset.filter(|name| !is_utf8(name)).and_then(|name| charset_decoder(name.as_bytes())) {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// A parameter of a structured header: `boundary="a b"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    // a header has few parameters; more are not looked at
    for _ in 0..20 {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim().trim_matches(';').trim();
        let after = after.trim_start();
        let (value, remainder) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
        rest = remainder;
    }
    None
}

/// The parts between delimiter lines (RFC 2046, 5.1.1); the last may lack its end.
fn divide<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (None, 0);
    while at < body.len() && parts.len() < PART_LIMIT {
        let rest = body.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let line = rest.get(..length).unwrap_or_default().trim_ascii_end();
        let delimiter = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        if let Some(tail) = delimiter.filter(|tail| tail.is_empty() || *tail == b"--") {
            if let Some(start) = start {
                parts.push(body.get(start..at).unwrap_or_default());
            }
            start = tail.is_empty().then_some(at + length);
            if start.is_none() {
                return parts;
            }
        }
        at += length;
    }
    if let Some(start) = start {
        parts.push(body.get(start..).unwrap_or_default());
    }
    parts
}

/// A page's text: marks become spaces, the commonest entities what they stand for.
fn without_marks(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' if inside => inside = false,
            _ if inside => {}
            _ => text.push(character),
        }
    }
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, stands_for)| text.replace(entity, stands_for))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_at_any_depth_in_order() {
        let raw = b"Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n--a b\r\n\r\none\r\n--a b\r\n\
            Content-Type: multipart/alternative;\r\n boundary=in\r\n\r\n--in\r\nContent-Type: text/html; charset=iso-8859-1\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n<b>zw=F6lf</b>&nbsp;!\r\n--in--\r\n--a b--\r\nepilogue";
        let mail = Mail::read(raw);
        let types: Vec<_> = mail.parts.iter().map(|part| part.media_type.as_str()).collect();
        assert_eq!(types, ["text/plain", "text/html"]);
        assert_eq!(mail.parts[0].text().trim(), "one");
        assert_eq!(without_marks(&mail.parts[1].text()).split_whitespace().collect::<Vec<_>>(), ["zwölf", "!"]);
    }

    #[test]
    fn a_mail_cut_off_is_read_as_far_as_it_goes() {
        let mail = Mail::read(
            b"Content-Type: multipart/report; Report-Type=Delivery-Status; boundary=x\n\n--x\n\nfirst\n--x\nContent-Ty",
        );
        assert_eq!((mail.parts.len(), mail.parts[0].text().trim()), (2, "first"));
        assert_eq!(mail.parameter("report-type").as_deref(), Some("delivery-status"));
        assert_eq!(Mail::read(b"").parts.len(), 1);
    }

    #[test]
    fn nesting_without_end_ends() {
        let deep = "Content-Type: multipart/mixed; boundary=x\n\n--x\n".repeat(5_000);
        assert!(Mail::read(deep.as_bytes()).parts.len() <= PART_LIMIT);
        let wide = format!("Content-Type: multipart/mixed; boundary=x\n\n{}", "--x\n\na\n".repeat(5_000));
        assert_eq!(Mail::read(wide.as_bytes()).parts.len(), PART_LIMIT);
    }
}
