//! Tokens that are worth a sign-in or an account: random, told once, and kept as a hash only.
//!
//! 256 random bits need no salt and no slow hash: nobody guesses them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// A token that was just made.
#[derive(Debug)]
pub struct SecretToken {
    /// What its holder is told; nothing else knows it.
    pub text: SecretString,
    /// What is kept.
    pub hash: [u8; 32],
}

impl SecretToken {
    /// A new one; the prefix tells what it is to whoever finds it.
    pub fn new(prefix: &str) -> Self {
        let text = format!("{prefix}{}", BASE64.encode(rand::random::<[u8; 32]>()));
        Self { hash: hash(&text), text: text.into() }
    }
}

/// What is kept of a token.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
