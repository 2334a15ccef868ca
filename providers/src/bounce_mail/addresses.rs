//! Finding mail addresses in fields and in prose.

/// The longest address (RFC 5321, 4.5.3.1.3).
const LIMIT: usize = 254;

/// The address of a field: `rfc822; A@b.example`, `<a@b.example>`, `A B <a@b.example>`.
pub(super) fn of_field(field: &str) -> Option<String> {
    let text = field.split_once(';').map_or(field, |(_, address)| address);
    let text = match (text.rfind('<'), text.rfind('>')) {
        (Some(start), Some(end)) if start < end => text.get(start + 1..end).unwrap_or_default(),
        _ => text,
    };
    let mut words = text.split_whitespace().filter_map(clean);
    words.next()
}

/// Every address in a text with where it begins, in order.
pub(super) fn in_text(text: &str) -> Vec<(usize, String)> {
    let is_part = |c: char| c.is_alphanumeric() || "@.!#$%&'*+-/=?^_`{|}~".contains(c);
    let mut found = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(character), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                if let Some(address) = text.get(from..at).and_then(clean) {
                    found.push((from, address));
                }
            }
            _ => {}
        }
        if found.len() >= 200 {
            break;
        }
    }
    found
}

/// An address in small letters, without what prose puts around it.
fn clean(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| "<>()[]\"',;:.".contains(c));
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let (local, domain) = word.rsplit_once('@')?;
    let is_domain = !domain.is_empty()
        && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && !domain.starts_with('.');
    let is_local = !local.is_empty() && !local.chars().any(|c| c.is_whitespace() || c.is_control() || "<>".contains(c));
    (is_domain && is_local && word.len() <= LIMIT).then(|| word.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_fields_and_prose() {
        for field in
            ["rfc822; A@b.example", "rfc822;<a@b.example>", "A B <a@b.example>", "a@b.example (A B)", "<a@b.example>:"]
        {
            assert_eq!(of_field(field).as_deref(), Some("a@b.example"), "{field}");
        }
        for field in ["", "rfc822;", "unknown; nobody", "@b.example", "a@"] {
            assert_eq!(of_field(field), None, "{field}");
        }
        let text = "to <a@b.example>: gone; mailto:c@d.example, and 'e@f.example'.";
        let found: Vec<_> = in_text(text).into_iter().map(|(_, address)| address).collect();
        assert_eq!(found, ["a@b.example", "c@d.example", "e@f.example"]);
    }
}
