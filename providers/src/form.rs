//! A form that a provider's webhook brings, read with bounds.
//!
//! Fails only on a form that is too long or has too many fields; bytes that are no text are replaced, as browsers do.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

/// The longest form, in bytes; providers' own are a few thousand.
pub const BODY_LIMIT: usize = 256 * 1024;
/// The most fields of a form.
pub const FIELD_LIMIT: usize = 500;

/// A form that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than [`BODY_LIMIT`].
    #[error("the form is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// More fields than [`FIELD_LIMIT`].
    #[error("the form has more than {FIELD_LIMIT} fields")]
    TooMany,
}

/// The fields of a form, in order, without NUL characters: PostgreSQL keeps those in neither text nor JSONB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the text of a form, or of a query.
    pub fn read(bytes: &[u8]) -> Result<Self, FormError> {
        if bytes.len() > BODY_LIMIT {
            return Err(FormError::TooLong);
        }
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if fields.len() == FIELD_LIMIT {
                return Err(FormError::TooMany);
            }
            fields.push((name.replace('\0', ""), value.replace('\0', "")));
        }
        Ok(Self(fields))
    }

    /// The first value of a name that is not blank, trimmed.
    pub fn get(&self, name: &str) -> Option<&str> {
        let values = self.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value.trim());
        values.into_iter().find(|value| !value.is_empty())
    }

    /// The value if it can be the id of something: short enough for the tables.
    pub fn id(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|id| id.len() <= 200)
    }

    /// The fields as they are kept for the record; of a name that comes twice, the first.
    pub fn payload(&self) -> Value {
        let mut payload = Map::new();
        for (name, value) in &self.0 {
            payload.entry(name.clone()).or_insert_with(|| value.as_str().into());
        }
        Value::Object(payload)
    }

    /// The same for the same fields: the id of an event that brings none.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_bounded() {
        let form = Form::read(b"From=%2B14158675309&Body=a+b%00c&Blank=+&Body=second&x=%FF").unwrap();
        assert_eq!(form.get("From"), Some("+14158675309"));
        assert_eq!(form.get("Body"), Some("a bc"));
        assert_eq!((form.get("Blank"), form.get("none")), (None, None));
        assert_eq!(form.payload()["Body"], "a bc");
        assert_eq!(form.payload()["x"], "\u{FFFD}");
        assert_ne!(form.digest(), Form::read(b"From=1").unwrap().digest());
        assert_eq!(Form::read(&vec![b'a'; BODY_LIMIT + 1]), Err(FormError::TooLong));
        assert_eq!(Form::read("a=1&".repeat(FIELD_LIMIT + 1).as_bytes()), Err(FormError::TooMany));
    }
}
