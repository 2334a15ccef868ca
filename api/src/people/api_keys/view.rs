//! A key as it is shown: by its prefix, and whole once.

use crate::request::{Id, Name};
use chrono::{DateTime, Utc};
use domain::{
    ids::{ApiKeyId, UserId},
    permissions::Permission,
};
use poem_openapi::Object;
use schema::people::api_keys::ApiKeyRow;
use serde_json::{Value, json};

/// A key, without the key.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct ApiKey {
    /// Its id.
    id: Id<ApiKeyId>,
    /// What it begins with, to know it by.
    prefix: String,
    /// What people call it.
    name: String,
    /// On whose behalf it works.
    user_id: Id<UserId>,
    /// What it may do, as far as its owner may.
    permissions: Vec<Name<Permission>>,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    revoked_at: Option<DateTime<Utc>>,
    /// The key it replaces.
    rotated_from: Option<Id<ApiKeyId>>,
    /// Who made it.
    created_by: Id<UserId>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: Id(ApiKeyId(row.id)),
            permissions: row.permissions().iter().map(Name).collect(),
            prefix: row.prefix,
            name: row.name,
            user_id: Id(UserId(row.user_id)),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            rotated_from: row.rotated_from.map(|id| Id(ApiKeyId(id))),
            created_by: Id(UserId(row.created_by)),
            created_at: row.created_at,
        }
    }
}

/// A key that was just made.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct MadeKey {
    /// The key. Keep it: it is not told again.
    pub key: String,
    /// What is known of it.
    pub api_key: ApiKey,
}

/// As the audit log keeps it.
pub(super) fn audited(row: &ApiKeyRow) -> Value {
    json!({
        "prefix": row.prefix,
        "name": row.name,
        "userId": UserId(row.user_id),
        "permissions": row.permissions(),
        "expiresAt": row.expires_at,
        "revokedAt": row.revoked_at,
        "rotatedFrom": row.rotated_from.map(ApiKeyId),
    })
}
