//! The people who sign in.

use crate::{
    DbError,
    tables::{roles, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{BranchId, RoleId, UserId};

diesel::joinable!(users -> roles (role_id));
diesel::allow_tables_to_appear_in_same_query!(users, roles);

/// What signing in needs.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Credentials {
    /// The user.
    pub id: i64,
    /// PHC string; `None`: signs in otherwise, or not yet.
    pub password_hash: Option<String>,
    /// Whether a second factor is set up.
    pub mfa_enabled: bool,
    status: String,
}

impl Credentials {
    /// The user.
    pub fn user(&self) -> UserId {
        UserId(self.id)
    }

    /// Whether they may come in.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// The password hash behind an address, whatever the account's state.
pub async fn credentials(connection: &mut AsyncPgConnection, email: &str) -> Result<Option<Credentials>, DbError> {
    let found = users::table.filter(users::email.eq(email)).select(Credentials::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Notes that a user has signed in.
pub async fn signed_in(connection: &mut AsyncPgConnection, id: UserId, at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::update(users::table.find(id.0)).set(users::last_login.eq(at)).execute(connection).await?;
    Ok(())
}

/// A user to be.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// In lower case.
    pub email: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// What they may do.
    pub role: RoleId,
    /// Their office.
    pub branch: Option<BranchId>,
}

/// Adds an active user. A taken address violates `users_email_key`.
pub async fn create(connection: &mut AsyncPgConnection, user: &NewUser<'_>) -> Result<UserId, DbError> {
    let id = diesel::insert_into(users::table)
        .values((
            users::email.eq(user.email),
            users::password_hash.eq(user.password_hash),
            users::first_name.eq(user.first_name),
            users::last_name.eq(user.last_name),
            users::role_id.eq(user.role.0),
            users::branch_id.eq(user.branch.map(|branch| branch.0)),
        ))
        .returning(users::id)
        .get_result(connection)
        .await?;
    Ok(UserId(id))
}

/// Replaces a user's password; false: no such address.
pub async fn set_password(
    connection: &mut AsyncPgConnection,
    email: &str,
    password_hash: &str,
) -> Result<bool, DbError> {
    let user = users::table.filter(users::email.eq(email));
    let change = (users::password_hash.eq(password_hash), users::updated_at.eq(diesel::dsl::now));
    Ok(diesel::update(user).set(change).execute(connection).await? > 0)
}

/// Lets a user in or keeps them out.
pub async fn set_active(connection: &mut AsyncPgConnection, id: UserId, active: bool) -> Result<(), DbError> {
    let change =
        (users::status.eq(if active { "active" } else { "suspended" }), users::updated_at.eq(diesel::dsl::now));
    diesel::update(users::table.find(id.0)).set(change).execute(connection).await?;
    Ok(())
}
