//! `X-Hub-Signature-256: sha256=hex(HMAC-SHA256(app secret, raw body))`.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The delivery is not from somebody who knows the app secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("the signature is missing")]
    Missing,
    /// It is not `sha256=` and 64 hexadecimal digits.
    #[error("the signature cannot be read")]
    Malformed,
    /// No known secret made it.
    #[error("the signature does not fit the body")]
    Wrong,
}

fn mac(secret: &SecretString, body: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length; an empty one would let anybody sign
    let key = secret.expose_secret().as_bytes();
    let mac = (!key.is_empty()).then(|| Hmac::<Sha256>::new_from_slice(key).ok()).flatten()?;
    Some(mac.chain_update(body))
}

/// Checks the header over the raw body, before anything reads it. Any of the secrets may have made it.
pub fn verify(secrets: &[SecretString], body: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let digits = header.trim().strip_prefix("sha256=").ok_or(SignatureError::Malformed)?;
    let given = hex::decode(digits).ok().filter(|bytes| bytes.len() == 32).ok_or(SignatureError::Malformed)?;
    let fits = |secret| mac(secret, body).is_some_and(|mac| mac.verify_slice(&given).is_ok());
    if secrets.iter().any(fits) { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// The header's value for a body, as the vendor makes it; `None` for an empty secret.
pub fn sign(secret: &SecretString, body: &[u8]) -> Option<String> {
    mac(secret, body).map(|mac| format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}
