//! The last administrator: who is one, told so that two changes at the same moment cannot take away both of two.

use crate::{
    DbError,
    tables::{roles, users},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, people::UserStatus, permissions::SystemRole};

/// Makes others who may take an administrator away wait until this transaction ends. Taken before any account is
/// locked, so that nobody waits in a circle.
pub async fn lock(connection: &mut AsyncPgConnection) -> Result<(), DbError> {
    let role = roles::table.filter(roles::name.eq(SystemRole::Administrator.as_str())).select(roles::id);
    let _held: Vec<i64> = role.for_no_key_update().load(connection).await?;
    Ok(())
}

/// Whether somebody is an active administrator and no other is; asked under [`lock`].
pub async fn is_last(connection: &mut AsyncPgConnection, user: UserId) -> Result<bool, DbError> {
    let administrators = users::table
        .inner_join(roles::table)
        .filter(roles::name.eq(SystemRole::Administrator.as_str()))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        // two tell as much as all
        .order((users::id.eq(user.0).desc(), users::id))
        .select(users::id)
        .limit(2);
    let found: Vec<i64> = administrators.load(connection).await?;
    Ok(found == [user.0])
}

/// Everybody who is an active administrator, by id.
pub async fn active(connection: &mut AsyncPgConnection) -> Result<Vec<UserId>, DbError> {
    let administrators = users::table
        .inner_join(roles::table)
        .filter(roles::name.eq(SystemRole::Administrator.as_str()))
        .filter(users::status.eq(UserStatus::Active.as_str()))
        .order(users::id)
        .select(users::id);
    let found: Vec<i64> = administrators.load(connection).await?;
    Ok(found.into_iter().map(UserId).collect())
}
