//! Passwords: Argon2id hashes, by default with the parameters OWASP recommends (19 MiB, 2 passes), and random ones to
//! begin with.
//!
//! Hashing takes tens of milliseconds and 19 MiB: it runs off the async threads, a few at a time, so that a flood of
//! logins cannot exhaust memory.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, LazyLock, OnceLock};
use tokio::sync::Semaphore;

/// At most this many at a time; the rest wait.
const AT_ONCE: usize = 4;
/// Longer passwords are refused: hashing them costs time, and nobody types them.
pub const LONGEST: usize = domain::password::LONGEST;
/// No letters or digits that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 20 of 57 characters: 116 bits.
const RANDOM_LENGTH: usize = 20;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

static DEFAULT: LazyLock<Hashing> = LazyLock::new(Hashing::default);

/// A password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// More than [`LONGEST`] bytes.
    #[error("a password has at most {LONGEST} bytes")]
    TooLong,
    /// The algorithm refused, or the stored hash is damaged.
    #[error("password hashing failed: {0}")]
    Hash(String),
    /// The process is going down.
    #[error("password hashing was interrupted")]
    Interrupted,
}

/// How much work a hash takes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hashing {
    params: Params,
    /// Hash of a password nobody has: checking against it takes as long as against a real one.
    nobody: Arc<OnceLock<Option<String>>>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self::of(Params::DEFAULT)
    }
}

impl Hashing {
    /// With that much memory (KiB), so many passes over it and so many lanes; `None`: Argon2 takes no such values.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        Params::new(memory_kib, passes, lanes, None).ok().map(Self::of)
    }

    fn of(params: Params) -> Self {
        Self { params, nobody: Arc::default() }
    }

    /// The password as it may be stored (PHC string, about 97 characters).
    pub async fn hash(&self, password: &SecretString) -> Result<String, PasswordError> {
        let password = bounded(password)?;
        self.off_thread(move |hashing| hashing.hashed(password.expose_secret())).await
    }

    /// Whether the password is the one behind `stored`. Without a `stored` hash (no such user) the answer is no, after
    /// the same time.
    pub async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, PasswordError> {
        let password = bounded(password)?;
        let stored = stored.map(str::to_owned);
        self.off_thread(move |hashing| {
            let known = stored.is_some();
            // asked for in either case, since the first time it is made
            let nobody = hashing.nobody.get_or_init(|| hashing.hashed(random().expose_secret()).ok()).clone();
            let Some(hash) = stored.or(nobody) else { return Ok(false) };
            Ok(matches(password.expose_secret(), &hash)? && known)
        })
        .await
    }

    /// Whether a stored hash was made with other parameters than a new one would be.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let (memory, passes, lanes) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        !stored.starts_with(&format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$"))
    }

    fn hashed(&self, password: &str) -> Result<String, PasswordError> {
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let hash = argon.hash_password(password.as_bytes());
        hash.map(|hash: PasswordHash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
    }

    pub(super) async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = SLOTS.acquire().await.map_err(|_| PasswordError::Interrupted)?;
        let hashing = self.clone();
        // the work goes on when its caller goes away, and keeps its slot meanwhile
        let work = move || {
            let _slot = slot;
            work(&hashing)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Interrupted)?
    }
}

/// Whether a password is the one behind a hash, with the hash's own parameters. Takes tens of milliseconds.
pub(super) fn matches(password: &str, hash: &str) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// [`Hashing::hash`] with the default parameters.
pub async fn hash_password(password: &SecretString) -> Result<String, PasswordError> {
    DEFAULT.hash(password).await
}

/// [`Hashing::verify`] with the default parameters.
pub async fn verify_password(password: &SecretString, stored: Option<&str>) -> Result<bool, PasswordError> {
    DEFAULT.verify(password, stored).await
}

/// A password for a new account, from the system's random numbers.
pub fn random() -> SecretString {
    let mut rng = rand::rng();
    let letters = (0..RANDOM_LENGTH).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
    letters.collect::<String>().into()
}

fn bounded(password: &SecretString) -> Result<SecretString, PasswordError> {
    if password.expose_secret().len() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    Ok(password.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_accepted() {
        let password = random();
        let stored = hash_password(&password).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify_password(&password, Some(&stored)).await.unwrap());
        assert!(!verify_password(&"wrong".into(), Some(&stored)).await.unwrap());
        assert_ne!(stored, hash_password(&password).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert!(!verify_password(&"anything".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_an_endless_password_is_refused() {
        assert!(matches!(verify_password(&"x".into(), Some("nonsense")).await, Err(PasswordError::Hash(_))));
        let endless = SecretString::from("x".repeat(LONGEST + 1));
        assert!(matches!(hash_password(&endless).await, Err(PasswordError::TooLong)));
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_still_counts_and_is_known_to_be_outdated() {
        let (old, new) = (Hashing::new(8 * 1024, 1, 1).unwrap(), Hashing::default());
        let password = random();
        let stored = old.hash(&password).await.unwrap();
        assert!(new.verify(&password, Some(&stored)).await.unwrap());
        assert!(new.is_outdated(&stored) && !old.is_outdated(&stored));
        assert!(!new.is_outdated(&new.hash(&password).await.unwrap()));
        assert!(Hashing::new(1, 0, 0).is_none());
    }

    #[test]
    fn random_passwords_differ() {
        let (first, second) = (random(), random());
        assert_eq!(first.expose_secret().len(), RANDOM_LENGTH);
        assert_ne!(first.expose_secret(), second.expose_secret());
    }
}
