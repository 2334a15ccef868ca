//! Keys of machines: a prefix to know them by, and the hash (SHA-256) of all of it.

use super::access::{Account, Role};
use crate::{
    DbError,
    tables::{api_keys, roles, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{ApiKeyId, UserId},
    people::UserStatus,
    permissions::PermissionSet,
};
use serde_json::Value;

diesel::allow_tables_to_appear_in_same_query!(api_keys, users);
diesel::allow_tables_to_appear_in_same_query!(api_keys, roles);

/// A key, without the key.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct ApiKeyRow {
    pub id: i64,
    /// What it begins with.
    pub prefix: String,
    /// What people call it.
    pub name: String,
    /// On whose behalf.
    pub user_id: i64,
    permissions: Value,
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key it replaces.
    pub rotated_from: Option<i64>,
    pub created_by: i64,
    pub created_at: DateTime<Utc>,
}

impl ApiKeyRow {
    /// What it may do, as far as its owner may.
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::from_names(self.permissions.as_array().into_iter().flatten().filter_map(Value::as_str))
    }

    /// Whether it opens anything.
    pub fn counts(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// A key to be.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = api_keys)]
pub struct NewApiKey<'a> {
    pub prefix: &'a str,
    pub key_hash: &'a [u8],
    pub name: &'a str,
    pub user_id: i64,
    /// A list of names.
    pub permissions: Value,
    pub expires_at: DateTime<Utc>,
    pub rotated_from: Option<i64>,
    pub created_by: i64,
    pub created_at: DateTime<Utc>,
}

/// Adds a key.
pub async fn create(connection: &mut AsyncPgConnection, key: &NewApiKey<'_>) -> Result<ApiKeyRow, DbError> {
    let row = diesel::insert_into(api_keys::table).values(key).returning(ApiKeyRow::as_returning());
    Ok(row.get_result(connection).await?)
}

/// A page of somebody's keys, newest first.
pub async fn list(
    connection: &mut AsyncPgConnection,
    owner: UserId,
    offset: i64,
    limit: i64,
) -> Result<Vec<ApiKeyRow>, DbError> {
    let page = api_keys::table.filter(api_keys::user_id.eq(owner.0)).order(api_keys::id.desc());
    Ok(page.offset(offset).limit(limit).select(ApiKeyRow::as_select()).load(connection).await?)
}

/// How many keys somebody has, counted up to `most`.
pub async fn count(connection: &mut AsyncPgConnection, owner: UserId, most: i64) -> Result<i64, DbError> {
    let owned = api_keys::table.filter(api_keys::user_id.eq(owner.0));
    let ids: Vec<i64> = owned.select(api_keys::id).limit(most).load(connection).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// A key.
pub async fn get(connection: &mut AsyncPgConnection, id: ApiKeyId) -> Result<Option<ApiKeyRow>, DbError> {
    let found = api_keys::table.find(id.0).select(ApiKeyRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// A key that stays as it is until the transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection, id: ApiKeyId) -> Result<Option<ApiKeyRow>, DbError> {
    let found = api_keys::table.find(id.0).select(ApiKeyRow::as_select()).for_no_key_update();
    Ok(found.first(connection).await.optional()?)
}

/// The key behind a hash, if it opens anything at `now`, with its owner, who may come in.
pub async fn by_hash(
    connection: &mut AsyncPgConnection,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(ApiKeyRow, Account, Option<Role>)>, DbError> {
    let found = api_keys::table
        .inner_join(users::table.on(users::id.eq(api_keys::user_id)))
        .left_join(roles::table.on(users::role_id.eq(roles::id.nullable())))
        .filter(api_keys::key_hash.eq(&hash[..]).and(api_keys::revoked_at.is_null()))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .select((ApiKeyRow::as_select(), Account::as_select(), Option::<Role>::as_select()));
    Ok(found.first(connection).await.optional()?)
}

/// Notes that a key was used.
pub async fn touch(connection: &mut AsyncPgConnection, id: ApiKeyId, now: DateTime<Utc>) -> Result<(), DbError> {
    let set = api_keys::last_used_at.eq(now);
    diesel::update(api_keys::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Ends a key at once.
pub async fn revoke(connection: &mut AsyncPgConnection, id: ApiKeyId, now: DateTime<Utc>) -> Result<(), DbError> {
    let set = api_keys::revoked_at.eq(now);
    diesel::update(api_keys::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Has a key end at that time.
pub async fn expire(connection: &mut AsyncPgConnection, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), DbError> {
    let set = api_keys::expires_at.eq(at);
    diesel::update(api_keys::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}
