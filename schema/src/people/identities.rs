//! Who people are at other services' sign-ins.

use crate::{
    DbError,
    tables::{user_identities, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{RoleId, UserId};

diesel::joinable!(user_identities -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(user_identities, users);

/// Somebody who comes through another service's sign-in.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Guest {
    /// The user.
    pub id: i64,
    /// Whether a second factor is set up here.
    pub mfa_enabled: bool,
    /// Their role.
    pub role_id: Option<i64>,
    status: String,
}

impl Guest {
    /// The user.
    pub fn user(&self) -> UserId {
        UserId(self.id)
    }

    /// Whether they may come in.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// The user that an issuer knows by that name.
pub async fn find(connection: &mut AsyncPgConnection, issuer: &str, subject: &str) -> Result<Option<Guest>, DbError> {
    let found = user_identities::table
        .inner_join(users::table)
        .filter(user_identities::issuer.eq(issuer).and(user_identities::subject.eq(subject)));
    Ok(found.select(Guest::as_select()).first(connection).await.optional()?)
}

/// The user with that address, in lower case.
pub async fn by_email(connection: &mut AsyncPgConnection, email: &str) -> Result<Option<Guest>, DbError> {
    let found = users::table.filter(users::email.eq(email)).select(Guest::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Links an identity to a user; false: it is linked already.
pub async fn link(
    connection: &mut AsyncPgConnection,
    user: UserId,
    issuer: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = (
        user_identities::user_id.eq(user.0),
        user_identities::issuer.eq(issuer),
        user_identities::subject.eq(subject),
        user_identities::linked_at.eq(now),
    );
    let linked = diesel::insert_into(user_identities::table).values(row).on_conflict_do_nothing();
    Ok(linked.execute(connection).await? > 0)
}

/// Somebody who has no account yet.
#[derive(Debug, Clone, Copy)]
pub struct NewGuest<'a> {
    /// In lower case.
    pub email: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// What they may do; `None`: nothing.
    pub role: Option<RoleId>,
}

/// Adds an active user without a password. A taken address violates `users_email_key`.
pub async fn create(connection: &mut AsyncPgConnection, guest: &NewGuest<'_>) -> Result<Guest, DbError> {
    let row = (
        users::email.eq(guest.email),
        users::first_name.eq(guest.first_name),
        users::last_name.eq(guest.last_name),
        users::role_id.eq(guest.role.map(|role| role.0)),
    );
    Ok(diesel::insert_into(users::table).values(row).returning(Guest::as_returning()).get_result(connection).await?)
}
