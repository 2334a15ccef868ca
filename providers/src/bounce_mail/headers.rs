//! The headers of a mail, of a part, or the fields of a report: all have the same form.
//!
//! Lines that are no field are passed over. Lengths are bounded.

use mail_parser::MessageParser;

/// So many fields are kept.
const FIELD_LIMIT: usize = 200;
/// So long may a field's text be, in bytes; the rest is cut off.
const VALUE_LIMIT: usize = 8 * 1024;

/// Fields in order: names in small letters, values unfolded.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Reads the fields up to the first empty line; also what follows it.
    pub fn read(raw: &[u8]) -> (Self, &[u8]) {
        let (mut fields, mut at) = (Self::default(), 0);
        while at < raw.len() {
            let rest = raw.get(at..).unwrap_or_default();
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let line = rest.get(..length).unwrap_or_default();
            at += length;
            if line.trim_ascii().is_empty() {
                break;
            }
            fields.line(&String::from_utf8_lossy(line));
        }
        (fields, raw.get(at..).unwrap_or_default())
    }

    /// Reads the groups of fields of a report, which empty lines divide.
    pub fn groups(text: &str) -> Vec<Self> {
        let (mut groups, mut group) = (Vec::new(), Self::default());
        for line in text.lines().take(5_000) {
            if line.trim().is_empty() {
                if !group.0.is_empty() {
                    groups.push(std::mem::take(&mut group));
                }
            } else {
                group.line(line);
            }
        }
        if !group.0.is_empty() {
            groups.push(group);
        }
        groups
    }

    fn line(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.0.last_mut() {
                let line = line.trim();
                if value.len() + line.len() < VALUE_LIMIT {
                    value.push(' ');
                    value.push_str(line);
                }
            }
            return;
        }
        let Some((name, value)) = line.split_once(':') else { return };
        let name = name.trim();
        let is_name = !name.is_empty() && name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_graphic());
        if is_name && self.0.len() < FIELD_LIMIT {
            let value = value.trim();
            let end = (0..=value.len().min(VALUE_LIMIT)).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
            self.0.push((name.to_lowercase(), value.get(..end).unwrap_or_default().to_owned()));
        }
    }

    /// The first field of a name, given in small letters.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All fields of a name, given in small letters.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a field of that name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds the fields of another group.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.truncate(FIELD_LIMIT);
    }

    /// Divides where a field of one of these names comes again.
    pub fn divide(self, starts: &[&str]) -> Vec<Self> {
        let (mut groups, mut group) = (Vec::new(), Self::default());
        for (name, value) in self.0 {
            let repeated = starts.contains(&name.as_str()) && group.has(&name);
            if repeated {
                groups.push(std::mem::take(&mut group));
            }
            group.0.push((name, value));
        }
        groups.push(group);
        groups
    }

    /// The subject, decoded (RFC 2047).
    pub fn subject(&self) -> String {
        let Some(raw) = self.get("subject") else { return String::new() };
        let line = format!("Subject: {raw}\r\n\r\n");
        let parser = MessageParser::new().header_text(mail_parser::HeaderName::Subject);
        let read = parser.parse_headers(line.as_bytes());
        read.as_ref().and_then(|read| read.subject()).unwrap_or(raw).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_groups_divided() {
        let (fields, rest) = Headers::read(
            b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nX-Long: a\r\n\tb\r\nnonsense\r\nX-Long: c\r\n\r\nbody",
        );
        assert_eq!((fields.subject().as_str(), rest), ("Grüße", &b"body"[..]));
        assert_eq!(fields.all("x-long").collect::<Vec<_>>(), ["a b", "c"]);
        assert_eq!(Headers::groups("A: 1\r\n\r\n\r\nB: 2\nC: 3\n").len(), 2);
        let one = Headers::groups("Final-Recipient: a\nAction: failed\nFinal-Recipient: b\nAction: failed").remove(0);
        assert_eq!(one.divide(&["final-recipient"]).len(), 2);
    }
}
