//! The signing keys of access tokens, as this process holds them.
//!
//! The first process to need one makes the first. Keys are read again when one is asked for that is not known (at most
//! once a second) and once a minute, so that a rotation reaches every process before the new key signs. Fails with
//! [`KeysError`].

use chrono::{DateTime, TimeDelta, Utc};
use jobs::security::{
    sealing::{KeyRing, SealError},
    token_keys::{self, NewKeyError},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use schema::{AsyncConnection, Db, DbError, people::token_keys as rows};
use secrecy::ExposeSecret;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

/// Keys are read again after this time.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// An unknown key makes them be read again after this time.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// The keys could not be read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database did not answer.
    #[error("reading the signing keys")]
    Database(#[from] DbError),
    /// A key cannot be opened.
    #[error("opening a signing key")]
    Sealed(#[from] SealError),
    /// A key cannot be made.
    #[error("making a signing key")]
    New(#[from] NewKeyError),
    /// A token cannot be signed.
    #[error("signing a token")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// No key signs yet.
    #[error("there is no signing key")]
    None,
}

/// A key that can be used.
pub struct Key {
    /// What tokens name.
    pub id: String,
    /// Signs.
    pub encoding: EncodingKey,
    /// Checks.
    pub decoding: DecodingKey,
    signs_from: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
}

impl Key {
    fn counts(&self, now: DateTime<Utc>) -> bool {
        self.retired_at.is_none_or(|at| now < at)
    }
}

#[derive(Default)]
struct Loaded {
    read_at: Option<DateTime<Utc>>,
    /// The newest first.
    keys: Vec<Arc<Key>>,
}

/// The keys.
pub struct Keys {
    db: Db,
    ring: KeyRing,
    loaded: RwLock<Arc<Loaded>>,
    reading: Mutex<()>,
}

impl Keys {
    /// Over the database; the ring opens them.
    pub fn new(db: Db, ring: KeyRing) -> Self {
        Self { db, ring, loaded: RwLock::default(), reading: Mutex::new(()) }
    }

    /// The key that signs.
    pub async fn signing(&self, now: DateTime<Utc>) -> Result<Arc<Key>, KeysError> {
        let signs =
            |loaded: &Loaded| loaded.keys.iter().find(|key| key.signs_from <= now && key.counts(now)).map(Arc::clone);
        let loaded = self.fresh(now, FRESH).await?;
        if let Some(key) = signs(&loaded) {
            return Ok(key);
        }
        self.make_first(now).await?;
        let loaded = self.read_again(now, TimeDelta::zero()).await?;
        signs(&loaded).ok_or(KeysError::None)
    }

    /// The key of that id, if it counts.
    pub async fn counting(&self, id: &str, now: DateTime<Utc>) -> Result<Option<Arc<Key>>, KeysError> {
        let known = |loaded: &Loaded| loaded.keys.iter().find(|key| key.id == id).map(Arc::clone);
        let loaded = self.fresh(now, FRESH).await?;
        let found = match known(&loaded) {
            Some(key) => Some(key),
            None => known(&*self.fresh(now, PAUSE).await?),
        };
        Ok(found.filter(|key| key.counts(now)))
    }

    async fn fresh(&self, now: DateTime<Utc>, age: TimeDelta) -> Result<Arc<Loaded>, KeysError> {
        let loaded = self.held();
        if loaded.read_at.is_some_and(|at| (TimeDelta::zero()..age).contains(&(now - at))) {
            return Ok(loaded);
        }
        match self.read_again(now, age).await {
            // keys that were good a minute ago carry through an outage of the database
            Err(KeysError::Database(error)) if loaded.read_at.is_some() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "signing keys could not be read again");
                Ok(loaded)
            }
            other => other,
        }
    }

    async fn read_again(&self, now: DateTime<Utc>, age: TimeDelta) -> Result<Arc<Loaded>, KeysError> {
        let _one_at_a_time = self.reading.lock().await;
        let loaded = self.held();
        if loaded.read_at.is_some_and(|at| (TimeDelta::zero()..age).contains(&(now - at))) {
            return Ok(loaded);
        }
        let rows = rows::in_force(&mut *self.db.get().await?, now).await?;
        let keys = rows.into_iter().map(|row| self.open(row)).collect::<Result<Vec<_>, _>>()?;
        let loaded = Arc::new(Loaded { read_at: Some(now), keys });
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&loaded);
        Ok(loaded)
    }

    fn held(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, row: rows::TokenKeyRow) -> Result<Arc<Key>, KeysError> {
        let private = self.ring.open_bytes(&token_keys::place(&row.id), &row.private_key)?;
        Ok(Arc::new(Key {
            encoding: EncodingKey::from_ed_der(private.expose_secret()),
            decoding: DecodingKey::from_ed_der(&row.public_key),
            id: row.id,
            signs_from: row.signs_from,
            retired_at: row.retired_at,
        }))
    }

    async fn make_first(&self, now: DateTime<Utc>) -> Result<(), KeysError> {
        let key = token_keys::make(&self.ring, now, now)?;
        let mut connection = self.db.get().await?;
        connection.transaction::<_, DbError, _>(async |connection| rows::add_first(connection, &key).await).await?;
        Ok(())
    }
}
