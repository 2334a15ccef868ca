//! Sign-ins between the first and the second factor: a token each, of which only the hash (SHA-256) is kept.

use crate::{DbError, tables::login_challenges};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, sign_in::SignInMethod};

/// Attempts that a challenge stands.
pub const MOST_ATTEMPTS: i16 = 5;

/// A sign-in that waits for the second factor.
#[derive(Debug, Clone, Copy)]
pub struct Challenge {
    /// Whose.
    pub user: UserId,
    /// What the first factor was.
    pub method: SignInMethod,
}

/// Begins one.
pub async fn begin(
    connection: &mut AsyncPgConnection,
    hash: &[u8; 32],
    challenge: &Challenge,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        login_challenges::token_hash.eq(&hash[..]),
        login_challenges::user_id.eq(challenge.user.0),
        login_challenges::method.eq(challenge.method.as_str()),
        login_challenges::created_at.eq(now),
        login_challenges::expires_at.eq(expires_at),
    );
    diesel::insert_into(login_challenges::table).values(row).execute(connection).await?;
    Ok(())
}

/// Counts an attempt; `None`: there is no such challenge, its time is over, or it was tried too often.
pub async fn attempt(
    connection: &mut AsyncPgConnection,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Challenge>, DbError> {
    let open = login_challenges::table
        .find(&hash[..])
        .filter(login_challenges::expires_at.gt(now).and(login_challenges::attempts.lt(MOST_ATTEMPTS)));
    let counted = diesel::update(open).set(login_challenges::attempts.eq(login_challenges::attempts + 1_i16));
    let found: Option<(i64, String)> = counted
        .returning((login_challenges::user_id, login_challenges::method))
        .get_result(connection)
        .await
        .optional()?;
    let challenge = |(user, method): (i64, String)| {
        let unknown = |_| DbError::Unknown { table: "login_challenges", column: "method" };
        Ok(Challenge { user: UserId(user), method: method.parse().map_err(unknown)? })
    };
    found.map(challenge).transpose()
}

/// Takes one, once; false: somebody else was first.
pub async fn take(connection: &mut AsyncPgConnection, hash: &[u8; 32]) -> Result<bool, DbError> {
    Ok(diesel::delete(login_challenges::table.find(&hash[..])).execute(connection).await? > 0)
}
