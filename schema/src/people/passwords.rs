//! Passwords of accounts: changing them, and what may not be chosen again.

use crate::{
    DbError,
    tables::{password_history, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, password::HISTORY};

/// The hashes of the last passwords, the present one included.
pub async fn earlier(connection: &mut AsyncPgConnection, user: UserId) -> Result<Vec<String>, DbError> {
    let present: Option<String> =
        users::table.find(user.0).select(users::password_hash).first(connection).await.optional()?.flatten();
    let most = i64::try_from(HISTORY).unwrap_or(i64::MAX);
    let before: Vec<String> = password_history::table
        .filter(password_history::user_id.eq(user.0))
        .order(password_history::id.desc())
        .limit(most)
        .select(password_history::password_hash)
        .load(connection)
        .await?;
    Ok(present.into_iter().chain(before).take(HISTORY).collect())
}

/// Gives somebody another password, and keeps the one before as one not to be chosen again; false: it is not `expected`
/// any more. Within the caller's transaction.
pub async fn change(
    connection: &mut AsyncPgConnection,
    user: UserId,
    expected: Option<&str>,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = users::table.find(user.0).filter(users::password_hash.is_not_distinct_from(expected));
    let change = (
        users::password_hash.eq(password_hash),
        users::password_changed_at.eq(now),
        users::updated_at.eq(diesel::dsl::now),
    );
    if diesel::update(row).set(change).execute(connection).await? == 0 {
        return Ok(false);
    }
    let Some(before) = expected else { return Ok(true) };
    diesel::insert_into(password_history::table)
        .values((
            password_history::user_id.eq(user.0),
            password_history::password_hash.eq(before),
            password_history::created_at.eq(now),
        ))
        .execute(connection)
        .await?;
    let kept = diesel::alias!(password_history as kept);
    let newest = kept
        .filter(kept.field(password_history::user_id).eq(user.0))
        .order(kept.field(password_history::id).desc())
        .limit(i64::try_from(HISTORY).unwrap_or(i64::MAX))
        .select(kept.field(password_history::id));
    let old = password_history::table
        .filter(password_history::user_id.eq(user.0))
        .filter(password_history::id.ne_all(newest));
    diesel::delete(old).execute(connection).await?;
    Ok(true)
}

/// Replaces a hash by one of the same password; nothing, if it is not `expected` any more.
pub async fn rehash(
    connection: &mut AsyncPgConnection,
    user: UserId,
    expected: &str,
    password_hash: &str,
) -> Result<(), DbError> {
    let row = users::table.find(user.0).filter(users::password_hash.eq(expected));
    diesel::update(row).set(users::password_hash.eq(password_hash)).execute(connection).await?;
    Ok(())
}
