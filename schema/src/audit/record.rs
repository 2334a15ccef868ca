//! Writes entries. Fails as the database does, and takes the change down with it.

use crate::{DbError, tables::audit_log};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{ApiKeyId, TypedId, UserId};
use serde_json::Value;
use std::net::IpAddr;
use uuid::Uuid;

/// Who did it, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The person; `None`: nobody who is signed in, or the platform itself.
    pub user: Option<UserId>,
    /// The key that a machine used in their name.
    pub api_key: Option<ApiKeyId>,
    /// The request, as the logs know it.
    pub request_id: Option<String>,
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// The caller's program.
    pub user_agent: Option<String>,
}

impl Actor {
    /// What they do to something, in the past tense: `campaign.paused`.
    pub fn entry(&self, action: &'static str, entity: Entity) -> Entry {
        Entry { actor: self.clone(), action, entity, before: None, after: None }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    kind: &'static str,
    id: Option<i64>,
    key: Option<String>,
}

impl Entity {
    /// By its typed id; the kind is the id's prefix.
    pub fn of<T: TypedId>(id: T) -> Self {
        Self { kind: T::PREFIX, id: Some(id.into()), key: None }
    }

    /// A job.
    pub fn job(id: Uuid) -> Self {
        Self::named("job", id.to_string())
    }

    /// What is known by a name.
    pub fn named(kind: &'static str, key: impl Into<String>) -> Self {
        Self { kind, id: None, key: Some(key.into()) }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who did it.
    pub actor: Actor,
    /// What, in the past tense: `campaign.paused`.
    pub action: &'static str,
    /// To what.
    pub entity: Entity,
    /// What it was like; no secrets, and personal data masked.
    pub before: Option<Value>,
    /// What it is like now; likewise.
    pub after: Option<Value>,
}

impl Entry {
    /// With what it was like.
    #[must_use]
    pub fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// With what it is like now.
    #[must_use]
    pub fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }
}

/// Writes entries through the transaction of what they tell of.
pub async fn record(connection: &mut AsyncPgConnection, entries: &[Entry]) -> Result<(), DbError> {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let Entry { actor, action, entity, before, after } = entry;
            (
                audit_log::actor_id.eq(actor.user.map(|user| user.0)),
                audit_log::api_key_id.eq(actor.api_key.map(|key| key.0)),
                audit_log::action.eq(action),
                audit_log::entity_type.eq(entity.kind),
                audit_log::entity_id.eq(entity.id),
                audit_log::entity_key.eq(&entity.key),
                audit_log::before.eq(before),
                audit_log::after.eq(after),
                audit_log::request_id.eq(&actor.request_id),
                audit_log::ip_address.eq(actor.address.map(ipnetwork::IpNetwork::from)),
                audit_log::user_agent.eq(&actor.user_agent),
            )
        })
        .collect();
    if !rows.is_empty() {
        diesel::insert_into(audit_log::table).values(rows).execute(connection).await?;
    }
    Ok(())
}
