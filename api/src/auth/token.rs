//! Access tokens: short-lived JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), which name a session.
//!
//! A token is a claim only: the session is looked up besides, so that its end works before the token's. The keys are
//! rows: one signs, older ones count until they are retired, so that keys change without signing anybody out. Keys are
//! read again when a token names one that is not known, and once a minute. Reading fails with [`TokenError`].

use super::token_keys::{Keys, KeysError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::UserId;
use jobs::Clock;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
const ISSUER: &str = "renewals";
const AUDIENCE: &str = "renewals-api";
/// Longer tokens are not ours (bytes).
const LONGEST: usize = 2048;
/// Tokens remembered at most.
const MOST_CHECKED: usize = 10_000;

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

/// Tokens whose signature was found good, by their hash: checking one takes longer than all else about a request.
type Checked = HashMap<[u8; 32], (String, Claims)>;

/// Signs and reads tokens.
pub struct Tokens {
    keys: Keys,
    lifetime: TimeDelta,
    validation: Validation,
    clock: Clock,
    checked: Mutex<Checked>,
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
        Self {
            keys,
            lifetime: TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX),
            validation,
            clock,
            checked: Mutex::default(),
        }
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
        let now = self.clock.now();
        let hash: [u8; 32] = Sha256::digest(token).into();
        let claims = match self.remembered(&hash) {
            // a key may have been retired since
            Some((kid, claims)) => self.keys.counting(&kid, now).await?.map(|_| claims).ok_or(TokenError::Invalid)?,
            None => self.check(token, hash, now).await?,
        };
        if claims.exp < (now - LEEWAY).timestamp() {
            return Err(TokenError::Expired);
        }
        if claims.iat > (now + LEEWAY).timestamp() {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }

    /// What a token says, if its signature is right.
    async fn check(&self, token: &str, hash: [u8; 32], now: DateTime<Utc>) -> Result<Claims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let key = self.keys.counting(&kid, now).await?.ok_or(TokenError::Invalid)?;
        let decoded = decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = decoded.map_err(|_| TokenError::Invalid)?.claims;
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= MOST_CHECKED {
            checked.retain(|_, (_, claims)| claims.exp >= (now - LEEWAY).timestamp());
        }
        if checked.len() < MOST_CHECKED {
            checked.insert(hash, (kid, claims.clone()));
        }
        Ok(claims)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<(String, Claims)> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }
}
