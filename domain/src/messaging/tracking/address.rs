//! Addresses of links, without what may say who followed them.

/// A part of a path with so many digits is somebody's number, unless it is a year.
const DIGITS: usize = 3;
/// A longer part of a path is a token.
const LONGEST_WORD: usize = 32;
/// What stands for a part of a path that may be somebody's.
const FOLDED: &str = "*";

/// An address without its query and what comes behind.
pub fn place(url: &str) -> &str {
    &url[..url.find(['?', '#']).unwrap_or(url.len())]
}

/// An address of which nobody knows how the template writes it: without its query, and with those parts of its path
/// folded that look like numbers, tokens or addresses.
pub fn folded(url: &str) -> String {
    let place = place(url);
    let (scheme, rest) = place.split_once("://").unwrap_or(("", place));
    let mut parts = rest.split('/');
    // whoever signs in with the address
    let host = parts.next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let mut folded = if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") };
    for part in parts {
        folded.push('/');
        folded.push_str(if is_personal(part) { FOLDED } else { part });
    }
    folded
}

fn is_personal(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_year = part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    digits >= DIGITS && !is_year || part.len() > LONGEST_WORD || part.contains('@') || part.contains("%40")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_nobody_apart() {
        for (url, expected) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example/", "https://a.example/"),
            ("https://a.example/plans/motor-2/2026/?p=P1#top", "https://a.example/plans/motor-2/2026/"),
            ("https://a.example/renew/POL-000123/pay", "https://a.example/renew/*/pay"),
            ("https://a.example/renew/POL-000124/pay?x", "https://a.example/renew/*/pay"),
            ("https://asha:secret@a.example/x", "https://a.example/x"),
            ("https://a.example/asha@mail.example", "https://a.example/*"),
            ("https://a.example/asha%40mail.example", "https://a.example/*"),
            ("https://a.example/eyJhbGciOiJIUzIabcdefghijklmnopqrstuvwx", "https://a.example/*"),
            ("nowhere", "nowhere"),
            ("", ""),
        ] {
            assert_eq!(folded(url), expected, "{url}");
        }
    }
}
