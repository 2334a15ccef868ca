//! Roles: named sets of permissions.

use crate::{
    DbError,
    tables::{roles, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::RoleId,
    people::Holding,
    permissions::{PermissionSet, Scope, SystemRole},
};
use serde_json::Value;

/// Adds the system roles that are not there yet; those that are keep what was changed about them, except that an
/// administrator may always do everything.
pub async fn add_system_roles(connection: &mut AsyncPgConnection) -> Result<(), DbError> {
    let rows = |all: &[SystemRole]| {
        all.iter()
            .map(|role| {
                (
                    roles::name.eq(role.as_str()),
                    roles::display_name.eq(role.display_name()),
                    roles::description.eq(role.description()),
                    roles::permissions.eq(serde_json::json!(role.permissions())),
                    roles::scope.eq(role.scope().as_str()),
                    roles::is_system.eq(true),
                )
            })
            .collect::<Vec<_>>()
    };
    diesel::insert_into(roles::table)
        .values(rows(SystemRole::ALL))
        .on_conflict(roles::name)
        .do_nothing()
        .execute(connection)
        .await?;
    // also what a newer version brings
    diesel::insert_into(roles::table)
        .values(rows(&[SystemRole::Administrator]))
        .on_conflict(roles::name)
        .do_update()
        .set((
            roles::permissions.eq(excluded(roles::permissions)),
            roles::scope.eq(excluded(roles::scope)),
            roles::is_system.eq(true),
            roles::updated_at.eq(diesel::dsl::now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// The role of that name.
pub async fn by_name(connection: &mut AsyncPgConnection, name: &str) -> Result<Option<RoleId>, DbError> {
    let found = roles::table.filter(roles::name.eq(name)).select(roles::id);
    Ok(found.first::<i64>(connection).await.optional()?.map(RoleId))
}

/// What a stored role gives; names that are not known any more give nothing, and a scope that is not shows the least.
pub(super) fn holding(permissions: Option<&Value>, scope: Option<&str>) -> Holding {
    let names = permissions.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let scope = scope.and_then(|scope| scope.parse().ok()).unwrap_or(Scope::Own);
    Holding { permissions: PermissionSet::from_names(names), scope }
}

/// A role.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = roles)]
pub struct RoleRow {
    pub id: i64,
    /// Unique, for programs.
    pub name: String,
    /// For people.
    pub display_name: String,
    pub description: Option<String>,
    permissions: Value,
    scope: String,
    /// Whether it takes a second factor to hold it.
    pub requires_mfa: bool,
    /// Whether it was there from the beginning.
    pub is_system: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl RoleRow {
    /// Which one.
    pub fn role(&self) -> RoleId {
        RoleId(self.id)
    }

    /// What it gives.
    pub fn holding(&self) -> Holding {
        holding(Some(&self.permissions), Some(&self.scope))
    }
}

/// The role of that name, which stays as it is until the transaction ends: to be given to somebody.
pub async fn to_give(connection: &mut AsyncPgConnection, name: &str) -> Result<Option<RoleRow>, DbError> {
    let found = roles::table.filter(roles::name.eq(name)).select(RoleRow::as_select()).for_share();
    Ok(found.first(connection).await.optional()?)
}

/// The role of that id.
pub async fn get(connection: &mut AsyncPgConnection, id: RoleId) -> Result<Option<RoleRow>, DbError> {
    let found = roles::table.find(id.0).select(RoleRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// The role of that id, which nobody gets or changes until the transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection, id: RoleId) -> Result<Option<RoleRow>, DbError> {
    let found = roles::table.find(id.0).select(RoleRow::as_select()).for_update();
    Ok(found.first(connection).await.optional()?)
}

/// A page of roles, the system's first.
pub async fn list(connection: &mut AsyncPgConnection, offset: i64, limit: i64) -> Result<Vec<RoleRow>, DbError> {
    let page = roles::table.order((roles::is_system.desc(), roles::id)).offset(offset).limit(limit);
    Ok(page.select(RoleRow::as_select()).load(connection).await?)
}

/// How many there are, counted up to `most`.
pub async fn count(connection: &mut AsyncPgConnection, most: i64) -> Result<i64, DbError> {
    let ids: Vec<i64> = roles::table.select(roles::id).limit(most).load(connection).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// How many hold each of these roles, whatever their accounts' state; a role without a holder is left out.
pub async fn holders(connection: &mut AsyncPgConnection, ids: &[i64]) -> Result<Vec<(i64, i64)>, DbError> {
    let held = users::table.filter(users::role_id.eq_any(ids)).group_by(users::role_id);
    let counted: Vec<(Option<i64>, i64)> =
        held.select((users::role_id, diesel::dsl::count_star())).load(connection).await?;
    Ok(counted.into_iter().filter_map(|(role, count)| Some((role?, count))).collect())
}

/// What is written about a role.
#[derive(Debug, Clone, Insertable, AsChangeset)]
#[diesel(table_name = roles, treat_none_as_null = true)]
pub struct RoleText {
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    /// A list of names.
    pub permissions: Value,
    pub scope: &'static str,
    pub requires_mfa: bool,
}

/// Adds a role. A taken name violates `roles_name_key`.
pub async fn create(
    connection: &mut AsyncPgConnection,
    text: &RoleText,
    now: DateTime<Utc>,
) -> Result<RoleRow, DbError> {
    let times = (roles::created_at.eq(now), roles::updated_at.eq(now));
    let row = diesel::insert_into(roles::table).values((text, times)).returning(RoleRow::as_returning());
    Ok(row.get_result(connection).await?)
}

/// Changes a role.
pub async fn change(
    connection: &mut AsyncPgConnection,
    id: RoleId,
    text: &RoleText,
    now: DateTime<Utc>,
) -> Result<RoleRow, DbError> {
    let set = (text, roles::updated_at.eq(now));
    let row = diesel::update(roles::table.find(id.0)).set(set).returning(RoleRow::as_returning());
    Ok(row.get_result(connection).await?)
}

/// Deletes a role that nobody holds.
pub async fn delete(connection: &mut AsyncPgConnection, id: RoleId) -> Result<(), DbError> {
    diesel::delete(roles::table.find(id.0)).execute(connection).await?;
    Ok(())
}
