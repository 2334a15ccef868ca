//! What readers of webhooks share: values that the database can keep, ids that fit, times that can be.

use crate::messaging::ProviderEvent;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The value without NUL characters, which PostgreSQL keeps in neither text nor JSONB.
pub(crate) fn storable(value: Value) -> Value {
    let clean = |text: String| if text.contains('\0') { text.replace('\0', "") } else { text };
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (clean(name), storable(value))).collect(),
        other => other,
    }
}

/// The list of that name; nothing when there is none.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// An id made of what an event says.
pub(crate) fn hashed(prefix: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("{prefix}:{}", hex::encode(hash.finalize()))
}

/// The id, or one made of it when it is too long to keep.
pub(crate) fn fitting(id: String) -> String {
    if id.len() > ProviderEvent::ID_LIMIT { hashed("long", &[&id]) } else { id }
}

/// An e-mail address in small letters.
pub(crate) fn address(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    let small = bare.to_lowercase();
    (small.contains('@') && small.len() <= 255).then_some(small)
}

/// A time that a provider of today can mean: not before 2009, not after 2100.
pub(crate) fn plausible(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (1_230_768_000..4_102_444_800).contains(&time.timestamp()).then_some(time)
}
