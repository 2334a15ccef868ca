//! What was read a moment ago about who is asking. Never fails; what is not remembered is read again.

use super::principals::Principal;
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How long what was read is taken to hold: a suspension, and the end of a session or a key, work within this time.
const FRESH: TimeDelta = TimeDelta::milliseconds(900);
/// Remembered at most.
const MOST: usize = 10_000;

/// When something was read, and what.
type Read = (DateTime<Utc>, Arc<Principal>);

/// Principals by what they came in with.
pub(super) struct Known<K>(Mutex<HashMap<K, Read>>);

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Known<K> {
    fn held(&self) -> MutexGuard<'_, HashMap<K, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was read a moment ago.
    pub fn remembered(&self, key: &K, now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let known = self.held();
        known.get(key).filter(|(read_at, _)| is_fresh(*read_at, now)).map(|(_, principal)| Arc::clone(principal))
    }

    /// Remembers what was read, if there is room.
    pub fn remember(&self, key: K, now: DateTime<Utc>, principal: Principal) -> Arc<Principal> {
        let principal = Arc::new(principal);
        let mut known = self.held();
        if known.len() >= MOST {
            known.retain(|_, (read_at, _)| is_fresh(*read_at, now));
        }
        if known.len() < MOST {
            known.insert(key, (now, Arc::clone(&principal)));
        }
        principal
    }

    /// Has something read again.
    pub fn forget(&self, key: &K) {
        self.held().remove(key);
    }
}

/// A clock that was set back makes nothing fresh for longer.
fn is_fresh(read_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (TimeDelta::zero()..FRESH).contains(&(now - read_at))
}
