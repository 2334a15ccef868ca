//! Access tokens: JWT, HS256, with a key derived from `SECRET_KEY` (RFC 7519; RFC 8725 for what to check).
//!
//! Algorithm, key id, issuer and audience are pinned, so a token made for something else is refused even if the same
//! secret signed it. Reading fails with [`TokenError`], which is answered 401.

use chrono::TimeDelta;
use domain::ids::UserId;
use hmac::{Hmac, KeyInit, Mac};
use jobs::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long a token is good for.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);
/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
const ISSUER: &str = "renewals";
const AUDIENCE: &str = "renewals-api";
/// What the key is derived for; another purpose has another key.
const PURPOSE: &[u8] = b"renewals access token v1";

/// A token that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its time has run out.
    #[error("the token has expired")]
    Expired,
    /// Not ours, or tampered with.
    #[error("the token is not valid")]
    Invalid,
}

/// What a token says. Times are seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Signs and reads tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    key_id: String,
    validation: Validation,
    clock: Clock,
}

impl Tokens {
    /// With a key derived from the application's secret.
    pub fn new(secret: &SecretString, clock: Clock) -> Self {
        let key = derive(secret.expose_secret().as_bytes());
        let key_id = hex::encode(&Sha256::digest(key)[..4]);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // checked below, by the clock that tests can move
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(&key),
            decoding: DecodingKey::from_secret(&key),
            key_id,
            validation,
            clock,
        }
    }

    /// A token for a user, good for [`LIFETIME`].
    pub fn issue(&self, user: UserId) -> Result<String, jsonwebtoken::errors::Error> {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: Uuid::new_v4(),
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.encoding)
    }

    /// Whose token it is.
    pub fn read(&self, token: &str) -> Result<UserId, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.kid.as_deref() != Some(&self.key_id) {
            return Err(TokenError::Invalid);
        }
        let claims: Claims = decode(token, &self.decoding, &self.validation).map_err(|_| TokenError::Invalid)?.claims;
        let now = self.clock.now();
        if claims.exp < (now - LEEWAY).timestamp() {
            return Err(TokenError::Expired);
        }
        if claims.iat > (now + LEEWAY).timestamp() {
            return Err(TokenError::Invalid);
        }
        Ok(claims.sub)
    }
}

fn derive(secret: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so there is nothing to fail on
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => return Sha256::digest([secret, PURPOSE].concat()).into(),
    };
    mac.update(PURPOSE);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn tokens(secret: &str) -> (Tokens, Clock) {
        let clock = Clock::default();
        (Tokens::new(&secret.into(), clock.clone()), clock)
    }

    /// A token whose parts a forger chose.
    fn forged(algorithm: Algorithm, key: &[u8], kid: &str, change: impl FnOnce(&mut Claims)) -> String {
        let now = Clock::default().now().timestamp();
        let (iss, aud) = (ISSUER.to_owned(), AUDIENCE.to_owned());
        let mut claims = Claims { iss, aud, sub: UserId(1), iat: now, exp: now + 60, jti: Uuid::new_v4() };
        change(&mut claims);
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        encode(&header, &claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_names_its_user_until_it_expires() {
        let (tokens, clock) = tokens(SECRET);
        let token = tokens.issue(UserId(7)).unwrap();
        assert_eq!(tokens.read(&token), Ok(UserId(7)));
        clock.advance(LIFETIME + TimeDelta::seconds(20));
        assert_eq!(tokens.read(&token), Ok(UserId(7)), "clocks may differ by half a minute");
        clock.advance(TimeDelta::seconds(20));
        assert_eq!(tokens.read(&token), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_made_otherwise_is_refused() {
        let (tokens, _) = tokens(SECRET);
        let (key, kid) = (derive(SECRET.as_bytes()), tokens.key_id.clone());
        assert!(tokens.read(&forged(Algorithm::HS256, &key, &kid, |_| {})).is_ok(), "the forger knows the form");
        let wrong = [
            forged(Algorithm::HS512, &key, &kid, |_| {}),
            forged(Algorithm::HS256, SECRET.as_bytes(), &kid, |_| {}),
            forged(Algorithm::HS256, &key, "other", |_| {}),
            forged(Algorithm::HS256, &key, &kid, |claims| claims.iss = "other".to_owned()),
            forged(Algorithm::HS256, &key, &kid, |claims| claims.aud = "other".to_owned()),
            forged(Algorithm::HS256, &key, &kid, |claims| claims.iat += 3600),
            self::tokens("another secret of thirty-two chars").0.issue(UserId(1)).unwrap(),
            unsigned(&tokens),
            "nonsense".to_owned(),
            String::new(),
        ];
        for token in wrong {
            assert_eq!(tokens.read(&token), Err(TokenError::Invalid), "{token}");
        }
    }

    /// `{"alg":"none"}`, and no signature.
    fn unsigned(tokens: &Tokens) -> String {
        let token = tokens.issue(UserId(1)).unwrap();
        let claims = token.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
    }
}
