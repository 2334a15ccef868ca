//! Who a session belongs to, and what its holder may do: what every request asks.

use crate::{
    DbError,
    tables::{roles, sessions, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UserId;
use uuid::Uuid;

diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users);
diesel::allow_tables_to_appear_in_same_query!(sessions, roles);

/// A user with their role.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Account {
    /// The user.
    pub id: i64,
    /// In lower case.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Their office.
    pub branch_id: Option<i64>,
    /// Whether a second factor is set up.
    pub mfa_enabled: bool,
}

/// A role, as an account holds it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = roles)]
pub struct Role {
    /// The role.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// A list of names.
    pub permissions: serde_json::Value,
    /// Whose rows it sees.
    pub scope: String,
    /// Whether it takes a second factor to hold it.
    pub requires_mfa: bool,
}

/// A session that lives.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct OpenSession {
    /// The session.
    pub id: Uuid,
    /// When it was used last, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When a second factor was shown last.
    pub mfa_at: Option<DateTime<Utc>>,
    /// When a password or second factor was shown last.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// A session that lives at `now`, of a user who may come in.
pub async fn by_session(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<(OpenSession, Account, Option<Role>)>, DbError> {
    let found = sessions::table
        .inner_join(users::table)
        .left_join(roles::table.on(users::role_id.eq(roles::id.nullable())))
        .filter(sessions::id.eq(session).and(sessions::revoked_at.is_null()).and(users::status.eq("active")))
        .filter(sessions::idle_until.gt(now).and(sessions::expires_at.gt(now)))
        .select((OpenSession::as_select(), Account::as_select(), Option::<Role>::as_select()));
    Ok(found.first(connection).await.optional()?)
}

/// A user who may come in.
pub async fn by_user(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<Option<(Account, Option<Role>)>, DbError> {
    let found = users::table
        .left_join(roles::table)
        .filter(users::id.eq(user.0).and(users::status.eq("active")))
        .select((Account::as_select(), Option::<Role>::as_select()));
    Ok(found.first(connection).await.optional()?)
}
