//! Second factors: a sealed secret a user, the last time step of which a code counted, and recovery codes as hashes.
//!
//! Every code counts once: whoever is first to update the row has used it, everybody else is told `false`.

use super::accounts;
use crate::{
    DbError,
    tables::{mfa_recovery_codes, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UserId;

/// What a user proves their presence with.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Factors {
    /// The user.
    pub id: i64,
    /// In lower case.
    pub email: String,
    /// PHC string; `None`: signs in otherwise.
    pub password_hash: Option<String>,
    /// Whether the second factor counts.
    pub mfa_enabled: bool,
    /// Sealed; there before it counts.
    pub mfa_secret: Option<String>,
}

/// What a user proves their presence with.
pub async fn factors(connection: &mut AsyncPgConnection, user: UserId) -> Result<Option<Factors>, DbError> {
    let found = users::table.find(user.0).select(Factors::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Keeps a secret that does not count yet; false: another counts already.
pub async fn keep_secret(connection: &mut AsyncPgConnection, user: UserId, sealed: &str) -> Result<bool, DbError> {
    let open = users::table.find(user.0).filter(users::mfa_enabled.eq(false));
    let kept = (users::mfa_secret.eq(sealed), users::mfa_last_step.eq(None::<i64>));
    Ok(diesel::update(open).set(kept).execute(connection).await? > 0)
}

/// Makes the kept secret count, from the code of that step on; false: it is not the kept one, or counts already.
pub async fn enable(
    connection: &mut AsyncPgConnection,
    user: UserId,
    sealed: &str,
    step: i64,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let kept = users::table.find(user.0).filter(users::mfa_enabled.eq(false).and(users::mfa_secret.eq(sealed)));
    let counts = (users::mfa_enabled.eq(true), users::mfa_last_step.eq(step), users::updated_at.eq(now));
    Ok(diesel::update(kept).set(counts).execute(connection).await? > 0)
}

/// Uses the code of a step; false: one of it or of a later one was used before.
pub async fn use_step(connection: &mut AsyncPgConnection, user: UserId, step: i64) -> Result<bool, DbError> {
    let unused = users::table
        .find(user.0)
        .filter(users::mfa_enabled.eq(true))
        .filter(users::mfa_last_step.is_null().or(users::mfa_last_step.lt(step)));
    Ok(diesel::update(unused).set(users::mfa_last_step.eq(step)).execute(connection).await? > 0)
}

/// Uses a recovery code; false: there is no such one, or it was used before.
pub async fn use_recovery_code(
    connection: &mut AsyncPgConnection,
    user: UserId,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let unused = mfa_recovery_codes::table.find((user.0, &hash[..])).filter(mfa_recovery_codes::used_at.is_null());
    Ok(diesel::update(unused).set(mfa_recovery_codes::used_at.eq(now)).execute(connection).await? > 0)
}

/// Gives somebody new recovery codes; the old ones are void. Within the caller's transaction.
pub async fn replace_recovery_codes(
    connection: &mut AsyncPgConnection,
    user: UserId,
    hashes: &[[u8; 32]],
) -> Result<(), DbError> {
    // two who replace at once come one after the other
    users::table.find(user.0).select(users::id).for_update().first::<i64>(connection).await?;
    let old = mfa_recovery_codes::table.filter(mfa_recovery_codes::user_id.eq(user.0));
    diesel::delete(old).execute(connection).await?;
    let row =
        |hash: &[u8; 32]| (mfa_recovery_codes::user_id.eq(user.0), mfa_recovery_codes::code_hash.eq(hash.to_vec()));
    let rows: Vec<_> = hashes.iter().map(row).collect();
    diesel::insert_into(mfa_recovery_codes::table).values(rows).execute(connection).await?;
    Ok(())
}

/// Takes somebody's second factor away; false: there was none. Within the caller's transaction.
pub async fn disable(connection: &mut AsyncPgConnection, user: UserId, now: DateTime<Utc>) -> Result<bool, DbError> {
    let row = users::table.find(user.0).select(users::mfa_enabled).for_update();
    let enabled: bool = row.first(connection).await?;
    if enabled {
        accounts::clear_mfa(connection, user, now).await?;
    }
    Ok(enabled)
}
