//! Access tokens: short-lived JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), which name a session.
//!
//! A token is a claim only: the session is looked up besides, so that its end works before the token's. The keys are
//! rows: one signs, older ones count until they are retired, so that keys change without signing anybody out. Keys are
//! read again when a token names one that is not known, and once a minute. Reading fails with [`TokenError`].

use super::token_keys::{Keys, KeysError};
use chrono::TimeDelta;
use domain::ids::UserId;
use jobs::Clock;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
const ISSUER: &str = "renewals";
const AUDIENCE: &str = "renewals-api";
/// Longer tokens are not ours (bytes).
const LONGEST: usize = 2048;

/// A token that is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Its time has run out.
    #[error("the token has expired")]
    Expired,
    /// Not ours, or tampered with.
    #[error("the token is not valid")]
    Invalid,
    /// The keys could not be read.
    #[error("the signing keys could not be read")]
    Keys(#[from] KeysError),
}

/// What a token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who.
    pub sub: UserId,
    /// With which session.
    pub sid: Uuid,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Signs and reads tokens.
pub struct Tokens {
    keys: Keys,
    lifetime: TimeDelta,
    validation: Validation,
    clock: Clock,
}

impl Tokens {
    /// With these keys; a token is good for `lifetime`.
    pub fn new(keys: Keys, lifetime: Duration, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // checked below, by the clock that tests can move
        validation.validate_exp = false;
        Self { keys, lifetime: TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX), validation, clock }
    }

    /// Seconds a token is good for.
    pub fn lifetime(&self) -> i64 {
        self.lifetime.num_seconds()
    }

    /// A token for a session.
    pub async fn issue(&self, user: UserId, session: Uuid) -> Result<String, KeysError> {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat: now.timestamp(),
            exp: (now + self.lifetime).timestamp(),
            jti: Uuid::new_v4(),
        };
        let key = self.keys.signing(now).await?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &key.encoding)?)
    }

    /// What a token says, if it counts.
    pub async fn read(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let now = self.clock.now();
        let key = self.keys.counting(&kid, now).await?.ok_or(TokenError::Invalid)?;
        let decoded = decode(token, &key.decoding, &self.validation).map_err(|_| TokenError::Invalid)?;
        let claims: Claims = decoded.claims;
        if claims.exp < (now - LEEWAY).timestamp() {
            return Err(TokenError::Expired);
        }
        if claims.iat > (now + LEEWAY).timestamp() {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }

    /// The public keys that count, as a JSON Web Key Set (RFC 7517).
    pub async fn public_keys(&self) -> Result<Arc<serde_json::Value>, KeysError> {
        self.keys.public(self.clock.now()).await
    }
}
