//! Roles: named sets of permissions.

use crate::{DbError, tables::roles};
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::RoleId, permissions::SystemRole};

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
