//! Tokens that are sent by mail and count once: only their hash (SHA-256) is kept.
//!
//! A used or replaced token stays until it is pruned, so that it can be counted how many were sent.

use crate::{DbError, tables::account_tokens};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, sign_in::AccountTokenPurpose};

/// Adds a token; earlier ones of that purpose do not count any more. Within the caller's transaction.
pub async fn replace(
    connection: &mut AsyncPgConnection,
    user: UserId,
    purpose: AccountTokenPurpose,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    revoke(connection, user, purpose, now).await?;
    diesel::insert_into(account_tokens::table)
        .values((
            account_tokens::token_hash.eq(&token_hash[..]),
            account_tokens::user_id.eq(user.0),
            account_tokens::purpose.eq(purpose.as_str()),
            account_tokens::created_at.eq(now),
            account_tokens::expires_at.eq(expires_at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes back all of somebody's tokens of that purpose.
pub async fn revoke(
    connection: &mut AsyncPgConnection,
    user: UserId,
    purpose: AccountTokenPurpose,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let unused = account_tokens::table
        .filter(account_tokens::user_id.eq(user.0).and(account_tokens::purpose.eq(purpose.as_str())))
        .filter(account_tokens::used_at.is_null());
    diesel::update(unused).set(account_tokens::used_at.eq(now)).execute(connection).await?;
    Ok(())
}

/// Whose a token is, if it counts.
pub async fn holder(
    connection: &mut AsyncPgConnection,
    token_hash: &[u8; 32],
    purpose: AccountTokenPurpose,
    now: DateTime<Utc>,
) -> Result<Option<UserId>, DbError> {
    let counting = account_tokens::table
        .filter(account_tokens::token_hash.eq(&token_hash[..]).and(account_tokens::purpose.eq(purpose.as_str())))
        .filter(account_tokens::used_at.is_null().and(account_tokens::expires_at.gt(now)));
    let found: Option<i64> = counting.select(account_tokens::user_id).first(connection).await.optional()?;
    Ok(found.map(UserId))
}

/// Uses a token up; false: it was used, or does not count any more.
pub async fn take(
    connection: &mut AsyncPgConnection,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let counting = account_tokens::table
        .find(&token_hash[..])
        .filter(account_tokens::used_at.is_null().and(account_tokens::expires_at.gt(now)));
    Ok(diesel::update(counting).set(account_tokens::used_at.eq(now)).execute(connection).await? > 0)
}

/// How many tokens of that purpose were made for somebody after `since`.
pub async fn count_since(
    connection: &mut AsyncPgConnection,
    user: UserId,
    purpose: AccountTokenPurpose,
    since: DateTime<Utc>,
) -> Result<i64, DbError> {
    let made = account_tokens::table
        .filter(account_tokens::user_id.eq(user.0).and(account_tokens::purpose.eq(purpose.as_str())))
        .filter(account_tokens::created_at.gt(since));
    Ok(made.count().get_result(connection).await?)
}
