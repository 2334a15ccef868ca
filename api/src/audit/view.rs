//! Entries as callers see them. Nothing fails.

use crate::request::Id;
use chrono::{DateTime, Utc};
use domain::ids::{ApiKeyId, AuditId, UserId};
use poem_openapi::{Enum, Object};
use schema::audit::{AuditRow, Names};
use serde_json::Value;

/// Who did it.
#[derive(Debug, Object)]
struct AuditActor {
    /// The person.
    id: Id<UserId>,
    /// Their name, as it is now.
    name: Option<String>,
}

/// The key that a machine used in their name.
#[derive(Debug, Object)]
struct AuditKey {
    /// The key.
    id: Id<ApiKeyId>,
    /// Its name.
    name: Option<String>,
}

/// What it was done to.
#[derive(Debug, Object)]
struct AuditEntity {
    /// The kind of thing.
    #[oai(rename = "type")]
    kind: String,
    /// Which one: `upload-12`, a job's id, a queue's name.
    id: Option<String>,
}

/// What kind of somebody did it.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
enum AuditBy {
    /// A person who is signed in.
    User,
    /// A machine with a person's key.
    ApiKey,
    /// Somebody who is not signed in.
    Anonymous,
    /// The platform itself.
    System,
}

/// Something that was done.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    id: Id<AuditId>,
    /// When.
    at: DateTime<Utc>,
    /// What kind of somebody: `system` is the platform itself.
    by: AuditBy,
    /// Who; absent for nobody who is signed in, and for the platform itself.
    actor: Option<AuditActor>,
    /// With which key, if a machine did it.
    api_key: Option<AuditKey>,
    /// What: `campaign.paused`.
    action: String,
    /// To what.
    entity: AuditEntity,
    /// What it was like, as far as it changed; secrets are left out, contact data masked.
    before: Option<Value>,
    /// What it became.
    after: Option<Value>,
    /// From where.
    ip_address: Option<String>,
    /// With which program.
    user_agent: Option<String>,
    /// The request, as the logs know it.
    request_id: Option<String>,
}

impl AuditEntry {
    /// As the row has it.
    pub fn new(row: AuditRow, names: &Names) -> Self {
        let number = row.entity_id.map(|id| format!("{}-{id}", row.entity_type));
        let by = match (row.actor_id, row.api_key_id, &row.request_id) {
            (_, Some(_), _) => AuditBy::ApiKey,
            (Some(_), None, _) => AuditBy::User,
            (None, None, Some(_)) => AuditBy::Anonymous,
            (None, None, None) => AuditBy::System,
        };
        Self {
            by,
            id: Id(AuditId(row.id)),
            at: row.at,
            actor: row.actor_id.map(|id| AuditActor { id: Id(UserId(id)), name: names.users.get(&id).cloned() }),
            api_key: row.api_key_id.map(|id| AuditKey { id: Id(ApiKeyId(id)), name: names.keys.get(&id).cloned() }),
            action: row.action,
            entity: AuditEntity { id: number.or(row.entity_key), kind: row.entity_type },
            before: row.before,
            after: row.after,
            ip_address: row.ip_address.map(|address| address.ip().to_string()),
            user_agent: row.user_agent,
            request_id: row.request_id,
        }
    }
}
