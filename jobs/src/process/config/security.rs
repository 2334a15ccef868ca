//! The application's own secrets, and how long what it hands out counts.

use super::{Reader, parse_duration};
use crate::security::{
    password::Hashing,
    sealing::{KeyRing, SealingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use domain::campaigns::Thresholds;
use hmac::{Hmac, KeyInit, Mac};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Shorter keys can be guessed offline from one sealed text.
const SHORTEST_KEY: usize = 32;

/// The application's own secrets.
#[derive(Debug, Clone)]
pub struct SecurityConfig {
    /// What keys without a setting of their own are derived from.
    pub secret_key: SecretString,
    /// Seals secrets at rest.
    pub key_ring: KeyRing,
    /// How long sessions and tokens count.
    pub sessions: SessionConfig,
    /// How much work a password's hash takes.
    pub hashing: Hashing,
    /// Whether anybody may open an account, with the least role.
    pub open_registration: bool,
    /// From where on a second person has to agree to a campaign.
    pub approval: Thresholds,
}

/// How long sessions and tokens count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionConfig {
    /// An access token.
    pub access: Duration,
    /// A session that nobody uses.
    pub idle: Duration,
    /// A session in any case.
    pub longest: Duration,
    /// A proof of presence for dangerous actions.
    pub step_up: Duration,
}

impl SecurityConfig {
    /// `SECRET_KEY`, `SEALING_KEYS`, `ACCESS_TOKEN_LIFETIME`, `SESSION_IDLE_TIMEOUT`, `SESSION_LIFETIME`,
    /// `STEP_UP_LIFETIME`, `OPEN_REGISTRATION`, `ARGON2_MEMORY_KIB`, `ARGON2_PASSES`, `ARGON2_LANES`,
    /// `CAMPAIGN_APPROVAL_RECIPIENTS`, `CAMPAIGN_APPROVAL_COST`.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let expected = "at least 32 random characters, as from: openssl rand -hex 32";
        let secret_key = reader.required_secret("SECRET_KEY", expected, |key| key.chars().count() >= SHORTEST_KEY);
        let given = reader.optional("SEALING_KEYS").map(|text| keys(&text));
        let duration = |text: &str| parse_duration(text).filter(|duration| !duration.is_zero());
        let mut lifetime =
            |name, default| reader.checked(name, Duration::from_secs(default), "a duration such as 15m", duration);
        let sessions = SessionConfig {
            access: lifetime("ACCESS_TOKEN_LIFETIME", 15 * 60),
            idle: lifetime("SESSION_IDLE_TIMEOUT", 12 * 3600),
            longest: lifetime("SESSION_LIFETIME", 14 * 24 * 3600),
            step_up: lifetime("STEP_UP_LIFETIME", 10 * 60),
        };
        let open_registration = reader.parsed("OPEN_REGISTRATION", false, "true or false");
        let hashing = hashing(reader);
        let approval = approval(reader);
        if matches!(given, Some(None)) {
            let expected = "keys as id:base64 of 32 bytes, separated by commas, the one that seals first";
            reader.unusable("SEALING_KEYS", expected);
            return None;
        }
        let secret_key = secret_key?;
        // what was sealed before keys were given stays readable
        let mut ring = given.flatten().unwrap_or_default();
        ring.push(SealingKey { id: "app".to_owned(), key: derive(&secret_key, b"renewals sealing key v1") });
        let first = ring.remove(0);
        Some(Self { key_ring: KeyRing::new(first, ring), secret_key, sessions, hashing, open_registration, approval })
    }
}

/// Without a setting one person may send any campaign.
fn approval(reader: &mut Reader<'_>) -> Thresholds {
    let whole = |text: &str| text.parse().ok().map(Some);
    let amount = |text: &str| text.parse().ok().filter(|amount: &Decimal| !amount.is_sign_negative()).map(Some);
    Thresholds {
        recipients: reader.checked("CAMPAIGN_APPROVAL_RECIPIENTS", None, "a whole number of people", whole),
        cost: reader.checked("CAMPAIGN_APPROVAL_COST", None, "an amount such as 5000.00", amount),
    }
}

/// Weaker than what OWASP recommends at least is a fault: a stolen table of hashes would be read too soon.
fn hashing(reader: &mut Reader<'_>) -> Hashing {
    let within = |range: std::ops::RangeInclusive<u32>| {
        move |text: &str| text.parse().ok().filter(|value| range.contains(value))
    };
    let expected = "KiB from 7168 to 1048576";
    let memory = reader.checked("ARGON2_MEMORY_KIB", 19 * 1024, expected, within(7 * 1024..=1024 * 1024));
    let passes = reader.checked("ARGON2_PASSES", 2, "a number from 1 to 20", within(1..=20));
    let lanes = reader.checked("ARGON2_LANES", 1, "a number from 1 to 16", within(1..=16));
    Hashing::new(memory, passes, lanes).unwrap_or_default()
}

/// A key for one purpose; another purpose has another key.
pub fn derive(secret: &SecretString, purpose: &[u8]) -> [u8; 32] {
    let secret = secret.expose_secret().as_bytes();
    // HMAC takes keys of any length, so there is nothing to fail on
    match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac.chain_update(purpose).finalize().into_bytes().into(),
        Err(_) => Sha256::digest([secret, purpose].concat()).into(),
    }
}

fn keys(text: &str) -> Option<Vec<SealingKey>> {
    let listed = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    let keys: Vec<SealingKey> = listed.map(key).collect::<Option<_>>()?;
    let mut ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).chain(["app"]).collect();
    ids.sort_unstable();
    ids.dedup();
    (ids.len() == keys.len() + 1).then_some(keys)
}

fn key(text: &str) -> Option<SealingKey> {
    let (id, key) = text.split_once(':')?;
    let is_id = (1..=16).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let key = BASE64.decode(key).ok()?.try_into().ok()?;
    is_id.then(|| SealingKey { id: id.to_owned(), key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_an_id_each_and_32_bytes() {
        let key = BASE64.encode([7; 32]);
        assert_eq!(keys(&format!("2026:{key}, 2025:{key}")).map(|keys| keys.len()), Some(2));
        for wrong in [format!("a:{key},a:{key}"), format!("app:{key}"), key.clone(), format!(":{key}"), "a:AAAA".into()]
        {
            assert!(keys(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_purpose_has_its_own_key() {
        let secret = SecretString::from("a secret of the application, for tests");
        assert_ne!(derive(&secret, b"one"), derive(&secret, b"two"));
    }
}
