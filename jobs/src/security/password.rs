//! Passwords: Argon2id hashes with the parameters OWASP recommends (19 MiB, 2 passes), and random ones to begin with.
//!
//! Hashing takes tens of milliseconds and 19 MiB: it runs off the async threads, a few at a time, so that a flood of
//! logins cannot exhaust memory.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// At most this many at a time; the rest wait.
const AT_ONCE: usize = 4;
/// Longer passwords are refused: hashing them costs time, and nobody types them.
pub const LONGEST: usize = 1024;
/// No letters or digits that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 20 of 57 characters: 116 bits.
const RANDOM_LENGTH: usize = 20;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Hash of a password nobody has: checking against it takes as long as against a real one.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash(random().expose_secret()).ok());

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

/// The password as it may be stored (PHC string, about 97 characters).
pub async fn hash_password(password: &SecretString) -> Result<String, PasswordError> {
    let password = bounded(password)?;
    off_thread(move || hash(password.expose_secret())).await
}

/// Whether the password is the one behind `stored`. Without a `stored` hash (no such user) the answer is no, after the
/// same time.
pub async fn verify_password(password: &SecretString, stored: Option<&str>) -> Result<bool, PasswordError> {
    let password = bounded(password)?;
    let stored = stored.map(str::to_owned);
    off_thread(move || {
        let known = stored.is_some();
        // asked for in either case, since the first time it is made
        let nobody = NOBODY.clone();
        let Some(hash) = stored.or(nobody) else { return Ok(false) };
        let hash = PasswordHash::new(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
        let matches = Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
        Ok(matches && known)
    })
    .await
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

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash: argon2::password_hash::phc::PasswordHash| hash.to_string())
        .map_err(|error| PasswordError::Hash(error.to_string()))
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let slot = SLOTS.acquire().await.map_err(|_| PasswordError::Interrupted)?;
    // the work goes on when its caller goes away, and keeps its slot meanwhile
    let work = move || {
        let _slot = slot;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Interrupted)?
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

    #[test]
    fn random_passwords_differ() {
        let (first, second) = (random(), random());
        assert_eq!(first.expose_secret().len(), RANDOM_LENGTH);
        assert_ne!(first.expose_secret(), second.expose_secret());
    }
}
