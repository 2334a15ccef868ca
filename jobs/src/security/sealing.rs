//! Secrets at rest: XChaCha20-Poly1305 under a ring of keys, each known by an id, so that keys can be replaced.
//!
//! What is sealed is bound to its place (table, column and row): a text copied elsewhere cannot be opened there. Opening
//! fails with [`SealError`]: the key is not on the ring any more, or the text was changed.
//!
//! The form is `v1.<key id>.<base64url of nonce and ciphertext>`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::fmt;

/// Bytes of a nonce; random ones never meet (RFC draft irtf-cfrg-xchacha, 2.3).
const NONCE: usize = 24;
const VERSION: &str = "v1";

/// A text that cannot be opened, or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not of the form that sealing gives.
    #[error("this is no sealed text")]
    Form,
    /// The key it was sealed with is not on the ring.
    #[error("the sealing key {0} is not configured")]
    UnknownKey(String),
    /// It was changed, or sealed for another place or with another key of that id.
    #[error("the sealed text does not open")]
    Broken,
}

/// Where a sealed text is kept: it opens only there.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's key.
    pub row: &'a str,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        // lengths in between: no two places give the same bytes
        let parts = [self.table, self.column, self.row];
        parts.iter().flat_map(|part| [part.len().to_string().as_bytes(), b":", part.as_bytes()].concat()).collect()
    }
}

/// A key with its id.
#[derive(Clone)]
pub struct SealingKey {
    /// Letters, digits and dashes.
    pub id: String,
    /// 32 bytes.
    pub key: [u8; 32],
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

/// The keys; the first seals, all open.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

impl KeyRing {
    /// The first seals; the others open what was sealed before.
    pub fn new(first: SealingKey, others: impl IntoIterator<Item = SealingKey>) -> Self {
        let keys = std::iter::once(first).chain(others);
        let cipher = |key: SealingKey| (key.id, XChaCha20Poly1305::new(&Key::from(key.key)));
        Self { keys: keys.map(cipher).collect() }
    }

    /// The id of the key that seals.
    pub fn current(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// The ids of all keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// Whether a text was sealed with the key that seals now.
    pub fn is_current(&self, sealed: &str) -> bool {
        parts(sealed).is_some_and(|(id, _)| id == self.current())
    }

    /// Seals a text for a place.
    pub fn seal(&self, place: &Place<'_>, plain: &SecretString) -> Result<String, SealError> {
        self.seal_bytes(place, plain.expose_secret().as_bytes())
    }

    /// Seals bytes for a place.
    pub fn seal_bytes(&self, place: &Place<'_>, plain: &[u8]) -> Result<String, SealError> {
        let (id, cipher) = self.keys.first().ok_or(SealError::Broken)?;
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: &place.bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Broken)?;
        Ok(format!("{VERSION}.{id}.{}", BASE64.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens what was sealed for that place.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Result<SecretString, SealError> {
        let plain = self.open_bytes(place, sealed)?;
        String::from_utf8(plain.expose_secret().to_vec()).map(SecretString::from).map_err(|_| SealError::Form)
    }

    /// Opens bytes that were sealed for that place.
    pub fn open_bytes(&self, place: &Place<'_>, sealed: &str) -> Result<SecretSlice<u8>, SealError> {
        let (id, body) = parts(sealed).ok_or(SealError::Form)?;
        let cipher = self.keys.iter().find(|(known, _)| known == id).map(|(_, cipher)| cipher);
        let cipher = cipher.ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let body = BASE64.decode(body).map_err(|_| SealError::Form)?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE>().ok_or(SealError::Form)?;
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        cipher.decrypt(&XNonce::from(*nonce), payload).map(SecretSlice::from).map_err(|_| SealError::Broken)
    }
}

fn parts(sealed: &str) -> Option<(&str, &str)> {
    let (version, rest) = sealed.split_once('.')?;
    rest.split_once('.').filter(|_| version == VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(id: &str, byte: u8) -> SealingKey {
        SealingKey { id: id.to_owned(), key: [byte; 32] }
    }

    fn place<'a>(column: &'a str, row: &'a str) -> Place<'a> {
        Place { table: "users", column, row }
    }

    #[test]
    fn a_sealed_text_opens_in_its_place_only() {
        let ring = KeyRing::new(key("a", 1), []);
        let sealed = ring.seal(&place("mfa_secret", "1"), &"secret".into()).unwrap();
        assert!(!sealed.contains("secret") && sealed.starts_with("v1.a."));
        assert_eq!(ring.open(&place("mfa_secret", "1"), &sealed).unwrap().expose_secret(), "secret");
        for elsewhere in [place("mfa_secret", "2"), place("other", "1"), place("mfa_secre", "t1")] {
            assert_eq!(ring.open(&elsewhere, &sealed).unwrap_err(), SealError::Broken);
        }
        assert_ne!(sealed, ring.seal(&place("mfa_secret", "1"), &"secret".into()).unwrap());
    }

    #[test]
    fn an_older_key_opens_and_the_newer_seals() {
        let old = KeyRing::new(key("old", 1), []);
        let sealed = old.seal(&place("c", "1"), &"secret".into()).unwrap();
        let both = KeyRing::new(key("new", 2), [key("old", 1)]);
        assert_eq!(both.open(&place("c", "1"), &sealed).unwrap().expose_secret(), "secret");
        assert!(!both.is_current(&sealed) && old.is_current(&sealed));
        let again = both.seal(&place("c", "1"), &"secret".into()).unwrap();
        assert!(both.is_current(&again));
        assert_eq!(old.open(&place("c", "1"), &again).unwrap_err(), SealError::UnknownKey("new".to_owned()));
        let impostor = KeyRing::new(key("old", 9), []);
        assert_eq!(impostor.open(&place("c", "1"), &sealed).unwrap_err(), SealError::Broken);
    }

    proptest! {
        #[test]
        fn a_changed_text_never_opens(position in 5_usize..60, bit in 0_u8..6) {
            let ring = KeyRing::new(key("a", 1), []);
            let sealed = ring.seal(&place("c", "1"), &"a secret of some length".into()).unwrap();
            let mut changed = sealed.clone().into_bytes();
            changed[position] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(ring.open(&place("c", "1"), &changed).is_err());
        }

        #[test]
        fn reading_what_is_no_sealed_text_fails(text in ".{0,80}") {
            prop_assert!(KeyRing::new(key("a", 1), []).open(&place("c", "1"), &text).is_err());
        }
    }
}
