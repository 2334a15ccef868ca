//! What tokens are signed with.

use super::Reader;
use secrecy::SecretString;

/// Shorter keys can be guessed offline from one token.
const SHORTEST_KEY: usize = 32;

/// The application's own secrets.
#[derive(Debug, Clone)]
pub struct SecurityConfig {
    /// Signs access tokens; changing it signs everybody out.
    pub secret_key: SecretString,
}

impl SecurityConfig {
    /// `SECRET_KEY`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let expected = "at least 32 random characters, as from: openssl rand -hex 32";
        let secret_key = reader.required_secret("SECRET_KEY", expected, |key| key.chars().count() >= SHORTEST_KEY)?;
        Some(Self { secret_key })
    }
}
