//! Makes the keys that access tokens are signed with (Ed25519, RFC 8032). Fails with [`NewKeyError`].

use super::sealing::{KeyRing, Place, SealError};
use chrono::{DateTime, Utc};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use schema::people::token_keys::TokenKeyRow;
use sha2::{Digest, Sha256};

/// A key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// It could not be written down.
    #[error("the key could not be encoded: {0}")]
    Encode(String),
    /// It could not be sealed.
    #[error("the key could not be sealed")]
    Seal(#[from] SealError),
}

/// Where a private key is kept.
pub fn place(id: &str) -> Place<'_> {
    Place { table: "token_keys", column: "private_key", row: id }
}

/// A new key, which signs from `signs_from` on.
pub fn make(ring: &KeyRing, now: DateTime<Utc>, signs_from: DateTime<Utc>) -> Result<TokenKeyRow, NewKeyError> {
    let key = SigningKey::from_bytes(&rand::random());
    let public_key = key.verifying_key().to_bytes().to_vec();
    let id = hex::encode(&Sha256::digest(&public_key)[..8]);
    let private = key.to_pkcs8_der().map_err(|error| NewKeyError::Encode(error.to_string()))?;
    let private_key = ring.seal_bytes(&place(&id), private.as_bytes())?;
    Ok(TokenKeyRow { id, public_key, private_key, created_at: now, signs_from, retired_at: None })
}
