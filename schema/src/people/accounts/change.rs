//! Changes of accounts; within the caller's transaction, which has locked the account.

use crate::{
    DbError,
    tables::{mfa_recovery_codes, sessions, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{RoleId, UserId},
    people::UserStatus,
};

/// Somebody to be asked in.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct NewInvited {
    /// In lower case.
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub phone: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub role_id: i64,
    pub branch_id: Option<i64>,
}

/// Adds an account that waits for its holder. A taken address violates `users_email_key`.
pub async fn invite(
    connection: &mut AsyncPgConnection,
    user: &NewInvited,
    now: DateTime<Utc>,
) -> Result<UserId, DbError> {
    let waiting =
        (users::status.eq(UserStatus::Invited.as_str()), users::created_at.eq(now), users::updated_at.eq(now));
    let id =
        diesel::insert_into(users::table).values((user, waiting)).returning(users::id).get_result(connection).await?;
    Ok(UserId(id))
}

/// What is told about somebody; `None` leaves it, `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users)]
pub struct Change {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<Option<String>>,
    pub department: Option<Option<String>>,
    pub job_title: Option<Option<String>>,
    pub branch_id: Option<Option<i64>>,
}

/// Changes what is told about somebody.
pub async fn change(
    connection: &mut AsyncPgConnection,
    id: UserId,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let set = (change, users::updated_at.eq(now));
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Gives somebody another role.
pub async fn set_role(
    connection: &mut AsyncPgConnection,
    id: UserId,
    role: RoleId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let set = (users::role_id.eq(role.0), users::updated_at.eq(now));
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Lets somebody in or keeps them out.
pub async fn set_status(
    connection: &mut AsyncPgConnection,
    id: UserId,
    status: UserStatus,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let set = (users::status.eq(status.as_str()), users::updated_at.eq(now));
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Lets strangers try the account again.
pub async fn unlock(connection: &mut AsyncPgConnection, id: UserId) -> Result<(), DbError> {
    let set = users::locked_until.eq(None::<DateTime<Utc>>);
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}

/// Takes the second factor away, with all that belongs to it.
pub async fn clear_mfa(connection: &mut AsyncPgConnection, id: UserId, now: DateTime<Utc>) -> Result<(), DbError> {
    let set = (
        users::mfa_enabled.eq(false),
        users::mfa_secret.eq(None::<String>),
        users::mfa_last_step.eq(None::<i64>),
        users::updated_at.eq(now),
    );
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    let codes = mfa_recovery_codes::table.filter(mfa_recovery_codes::user_id.eq(id.0));
    diesel::delete(codes).execute(connection).await?;
    // what was shown was the factor that is gone
    let shown = sessions::table.filter(sessions::user_id.eq(id.0).and(sessions::revoked_at.is_null()));
    let shown = shown.filter(sessions::mfa_at.is_not_null());
    diesel::update(shown).set(sessions::mfa_at.eq(None::<DateTime<Utc>>)).execute(connection).await?;
    Ok(())
}

/// Keeps where somebody's picture lies.
pub async fn set_avatar(
    connection: &mut AsyncPgConnection,
    id: UserId,
    key: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let set = (users::avatar_url.eq(key), users::updated_at.eq(now));
    diesel::update(users::table.find(id.0)).set(set).execute(connection).await?;
    Ok(())
}
