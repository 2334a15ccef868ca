//! Which message of ours a mail is about: from what was returned of it, and from what the mail says it answers.

use super::{addresses, headers::Headers, mime::Mail, prose};
use domain::messaging::Correlation;

/// The message that came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Original {
    /// Its Message-ID, without brackets.
    pub message_id: Option<String>,
    /// The message row and the attempt, when its id is one of ours.
    pub correlation: Option<Correlation>,
    /// Whom it was written to, in small letters.
    pub to: Option<String>,
}

/// Media types of what is returned.
const RETURNED: [&str; 6] = [
    "message/rfc822",
    "text/rfc822-headers",
    "text/rfc822",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
];
/// So many ids are looked at.
const CANDIDATES: usize = 100;

impl Original {
    pub(super) fn find(mail: &Mail<'_>, text: &str) -> Self {
        let returned = returned(mail).unwrap_or_else(|| in_prose(text));
        let fields = mail.parts.iter().filter(|part| part.media_type.ends_with("disposition-notification"));
        let fields: Vec<Headers> = fields.flat_map(|part| Headers::groups(&part.text())).collect();
        let mut candidates: Vec<&str> = Vec::new();
        for name in ["message-id", "x-original-message-id"] {
            candidates.extend(returned.all(name));
        }
        for headers in &fields {
            candidates.extend(headers.all("original-message-id"));
        }
        for name in ["x-original-message-id", "in-reply-to", "references"] {
            candidates.extend(mail.headers.all(name));
        }
        let ids: Vec<&str> = candidates.into_iter().flat_map(ids).take(CANDIDATES).collect();
        let correlation = ids.iter().find_map(|id| correlation(id)).or_else(|| by_envelope(mail));
        let of_ours = ids.iter().find(|id| correlation.is_some() && self::correlation(id) == correlation);
        Self {
            message_id: of_ours.or(ids.first()).map(|id| (*id).to_owned()),
            correlation,
            to: returned.get("to").and_then(addresses::of_field),
        }
    }
}

/// The headers of what was returned as a part of its own.
pub(super) fn returned(mail: &Mail<'_>) -> Option<Headers> {
    let part = mail.parts.iter().find(|part| RETURNED.contains(&part.media_type.as_str()))?;
    let text = part.text();
    Some(Headers::read(text.trim_start().as_bytes()).0)
}

/// The headers of what was returned below the words.
fn in_prose(text: &str) -> Headers {
    let mut found = Headers::default();
    for group in Headers::groups(&prose::copy(text)) {
        if group.has("message-id") {
            return group;
        }
        if group.has("to") && !found.has("to") {
            found = group;
        }
    }
    found
}

/// The ids of a field; they are in brackets, or alone.
fn ids(field: &str) -> impl Iterator<Item = &str> {
    let words = field.split([' ', '\t', ',', '<', '>']);
    words.filter(|word| (3..=250).contains(&word.len()) && word.contains('@') && !word.chars().any(char::is_control))
}

fn correlation(id: &str) -> Option<Correlation> {
    id.split_once('@').and_then(|(local, _)| local.parse().ok())
}

/// By the address that the mail came to: `bounces+m-12-1@…`, `bounces+m-12-1=b.example@…`.
fn by_envelope(mail: &Mail<'_>) -> Option<Correlation> {
    let names = ["x-original-to", "delivered-to", "envelope-to", "to"];
    let addresses = names.iter().flat_map(|name| mail.headers.all(name)).filter_map(addresses::of_field).take(20);
    addresses.into_iter().find_map(|address| {
        let (_, tag) = address.split_once('@').and_then(|(local, _)| local.split_once('+'))?;
        tag.split('=').next().and_then(|tag| tag.parse().ok())
    })
}
