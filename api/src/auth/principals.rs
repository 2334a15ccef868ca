//! Users as requests know them, read from the database at most once a second each.
//!
//! Fails with the database's error; a user who is not there or not active any more is no principal.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::{BranchId, UserId},
    permissions::{Permission, PermissionSet},
};
use jobs::Clock;
use schema::{Db, DbError, people::users};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How long what was read is taken to hold: a suspension works within this time.
const FRESH: TimeDelta = TimeDelta::milliseconds(1000);
/// Users remembered at most.
const MOST: usize = 10_000;

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// Their first name.
    pub first_name: String,
    /// Their last name.
    pub last_name: String,
    /// Their role's name; `None`: no role, and so no permissions.
    pub role: Option<String>,
    /// What the role may do.
    pub permissions: PermissionSet,
    /// Their office.
    pub branch_id: Option<BranchId>,
}

impl Principal {
    /// Whether they may do that.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }
}

impl From<users::Account> for Principal {
    fn from(account: users::Account) -> Self {
        let names = account.permissions.as_ref().and_then(|names| names.as_array());
        let names = names.into_iter().flatten().filter_map(|name| name.as_str());
        Self {
            user_id: UserId(account.id),
            email: account.email,
            first_name: account.first_name,
            last_name: account.last_name,
            role: account.role,
            permissions: PermissionSet::from_names(names),
            branch_id: account.branch_id.map(BranchId),
        }
    }
}

/// When a user was read, and what.
type Known = (DateTime<Utc>, Arc<Principal>);

/// Finds principals.
pub struct Principals {
    db: Db,
    clock: Clock,
    known: Mutex<HashMap<UserId, Known>>,
}

impl Principals {
    /// Over the database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, known: Mutex::default() }
    }

    /// The user, if they are there and active.
    pub async fn find(&self, user: UserId) -> Result<Option<Arc<Principal>>, DbError> {
        let now = self.clock.now();
        if let Some(known) = self.remembered(user, now) {
            return Ok(Some(known));
        }
        let mut connection = self.db.get().await?;
        let account = users::active_account(&mut connection, user).await?;
        drop(connection);
        Ok(account.map(|account| self.remember(now, Principal::from(account))))
    }

    fn remembered(&self, user: UserId, now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&user).filter(|(read_at, _)| is_fresh(*read_at, now)).map(|(_, principal)| Arc::clone(principal))
    }

    fn remember(&self, now: DateTime<Utc>, principal: Principal) -> Arc<Principal> {
        let principal = Arc::new(principal);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (read_at, _)| is_fresh(*read_at, now));
        }
        if known.len() < MOST {
            known.insert(principal.user_id, (now, Arc::clone(&principal)));
        }
        principal
    }
}

/// A clock that was set back makes nothing fresh for longer.
fn is_fresh(read_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (TimeDelta::zero()..FRESH).contains(&(now - read_at))
}
