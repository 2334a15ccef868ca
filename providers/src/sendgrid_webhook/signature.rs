//! The signed event webhook: ECDSA on P-256 with SHA-256 over the timestamp and the raw body, as DER in base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::time::Duration;

/// Where SendGrid puts the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-email-event-webhook-signature";
/// Where SendGrid puts the time it signed at, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-twilio-email-event-webhook-timestamp";
/// However far ahead SendGrid's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// The delivery is not from SendGrid, or not of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature, or no timestamp.
    #[error("the signature or its timestamp is missing")]
    Missing,
    /// They cannot be read.
    #[error("the signature or its timestamp cannot be read")]
    Malformed,
    /// No known key made it.
    #[error("the signature does not fit the body")]
    Wrong,
    /// It was made too long ago, or will be made.
    #[error("the delivery was signed too long ago, or in the future")]
    Stale,
}

/// Checks the headers over the raw body, before anything reads it. Any of the keys, points on P-256, may have signed.
pub fn verify(
    keys: &[Vec<u8>],
    body: &[u8],
    (signature, timestamp): (Option<&str>, Option<&str>),
    now: DateTime<Utc>,
    window: Duration,
) -> Result<(), SignatureError> {
    let (signature, timestamp) = signature.zip(timestamp).ok_or(SignatureError::Missing)?;
    let timestamp = timestamp.trim();
    let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
    let signed_at = DateTime::from_timestamp(seconds, 0).ok_or(SignatureError::Malformed)?;
    let signature = STANDARD.decode(signature.trim()).map_err(|_| SignatureError::Malformed)?;
    let mut signed = timestamp.as_bytes().to_vec();
    signed.extend_from_slice(body);
    let fits = |key: &Vec<u8>| UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(&signed, &signature).is_ok();
    if !keys.iter().any(fits) {
        return Err(SignatureError::Wrong);
    }
    let age = now - signed_at;
    let window = TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX);
    if age <= window && -age <= AHEAD { Ok(()) } else { Err(SignatureError::Stale) }
}
