//! Who is asking, as requests know them: read from the database at most once a second for each session and key.
//!
//! Fails with the database's error; a session that has ended, or a user who is not active any more, is no principal.

use super::known::Known;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::{ApiKeyId, BranchId, UserId},
    permissions::{Permission, PermissionSet, Reach, Scope},
};
use jobs::Clock;
use schema::{
    Db, DbError,
    people::{
        access::{self, Account, OpenSession, Role},
        api_keys,
        sessions::{self, Seen},
    },
};
use std::{net::IpAddr, sync::Arc};
use uuid::Uuid;

/// How exactly it is told when a session or a key was used last.
const SEEN: TimeDelta = TimeDelta::seconds(60);

/// What somebody comes in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A session.
    Session {
        /// Which.
        id: Uuid,
        /// When a second factor was shown last.
        mfa_at: Option<DateTime<Utc>>,
        /// When a password or second factor was shown last.
        confirmed_at: Option<DateTime<Utc>>,
    },
    /// A machine's key.
    ApiKey(ApiKeyId),
}

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
    /// What they may do; with a key, what the key may do as well.
    pub permissions: PermissionSet,
    /// Whose rows they see.
    pub reach: Reach,
    /// Their office.
    pub branch_id: Option<BranchId>,
    /// Whether a second factor is set up.
    pub mfa_enabled: bool,
    /// Whether the role takes a second factor that was not shown: then nothing is allowed but showing it.
    pub owes_mfa: bool,
    /// What they came in with.
    pub via: Via,
}

impl Principal {
    /// Of an account with its role.
    pub fn new(account: Account, role: Option<Role>, via: Via) -> Self {
        let names = role.as_ref().and_then(|role| role.permissions.as_array());
        let names = names.into_iter().flatten().filter_map(|name| name.as_str());
        let user_id = UserId(account.id);
        let branch_id = account.branch_id.map(BranchId);
        // a scope that is not known shows the least
        let scope = role.as_ref().and_then(|role| role.scope.parse().ok()).unwrap_or(Scope::Own);
        let owes_mfa =
            role.as_ref().is_some_and(|role| role.requires_mfa) && matches!(via, Via::Session { mfa_at: None, .. });
        Self {
            user_id,
            email: account.email,
            first_name: account.first_name,
            last_name: account.last_name,
            permissions: PermissionSet::from_names(names),
            role: role.map(|role| role.name),
            reach: Reach::of(scope, user_id, branch_id),
            branch_id,
            mfa_enabled: account.mfa_enabled,
            owes_mfa,
            via,
        }
    }

    /// Whether they may do that.
    pub fn may(&self, permission: Permission) -> bool {
        !self.owes_mfa && self.permissions.has(permission)
    }

    /// The session they came in with.
    pub fn session(&self) -> Option<Uuid> {
        match self.via {
            Via::Session { id, .. } => Some(id),
            Via::ApiKey(_) => None,
        }
    }
}

/// Finds principals.
pub struct Principals {
    db: Db,
    clock: Clock,
    idle: TimeDelta,
    sessions: Known<Uuid>,
    keys: Known<[u8; 32]>,
}

impl Principals {
    /// Over the database; `idle` is how long a session lives unused.
    pub fn new(db: Db, clock: Clock, idle: TimeDelta) -> Self {
        Self { db, clock, idle, sessions: Known::default(), keys: Known::default() }
    }

    /// The holder of a session, if it lives and they are active.
    pub async fn find(&self, session: Uuid, address: Option<IpAddr>) -> Result<Option<Arc<Principal>>, DbError> {
        let now = self.clock.now();
        if let Some(known) = self.sessions.remembered(&session, now) {
            return Ok(Some(known));
        }
        let mut connection = self.db.get().await?;
        let Some((open, account, role)) = access::by_session(&mut connection, session, now).await? else {
            return Ok(None);
        };
        if now - open.last_seen_at >= SEEN {
            sessions::touch(&mut connection, session, &Seen { now, idle_until: now + self.idle, address }).await?;
        }
        drop(connection);
        let OpenSession { id, mfa_at, confirmed_at, .. } = open;
        let principal = Principal::new(account, role, Via::Session { id, mfa_at, confirmed_at });
        Ok(Some(self.sessions.remember(session, now, principal)))
    }

    /// The owner of a machine's key, with what the key may do of what they may, if both count.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<Arc<Principal>>, DbError> {
        let now = self.clock.now();
        if let Some(known) = self.keys.remembered(hash, now) {
            return Ok(Some(known));
        }
        let mut connection = self.db.get().await?;
        let Some((key, account, role)) = api_keys::by_hash(&mut connection, hash, now).await? else {
            return Ok(None);
        };
        let id = ApiKeyId(key.id);
        if key.last_used_at.is_none_or(|at| now - at >= SEEN) {
            api_keys::touch(&mut connection, id, now).await?;
        }
        drop(connection);
        let mut principal = Principal::new(account, role, Via::ApiKey(id));
        principal.permissions = principal.permissions.both(key.permissions());
        Ok(Some(self.keys.remember(*hash, now, principal)))
    }

    /// Has a session read again: something about it was changed here.
    pub fn forget(&self, session: Uuid) {
        self.sessions.forget(&session);
    }
}
