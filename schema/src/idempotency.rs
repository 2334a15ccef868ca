//! Requests that carried an Idempotency-Key, and what they were answered with.
//!
//! Whoever claims a key holds it by the time of the claim: finishing, renewing and releasing are fenced by it, so that
//! one who was taken for dead cannot overwrite the answer of another.

use crate::{DbError, tables::idempotency_keys};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UserId;

/// Whose key it is, and its text.
#[derive(Debug, Clone)]
pub struct Key {
    /// The user; keys of different users never meet.
    pub user: UserId,
    /// What the caller chose.
    pub text: String,
}

/// What became of the first request with a key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub struct First {
    /// What the request was.
    pub fingerprint: String,
    /// HTTP status; `None`: not answered yet.
    pub status: Option<i16>,
    /// Of the body.
    pub content_type: Option<String>,
    /// `None`: answered, and too long to keep.
    pub body: Option<Vec<u8>>,
}

/// The outcome of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The request is to be done; the time fences what follows.
    Ours(DateTime<Utc>),
    /// There was one before.
    Theirs(First),
    /// There was one a moment ago, and it was released: ask again.
    Gone,
}

/// Claims a key at `now`. An unanswered one from before `stale` was left by a crash; an answered one from before
/// `expired` is forgotten.
pub async fn claim(
    connection: &mut AsyncPgConnection,
    key: &Key,
    fingerprint: &str,
    now: DateTime<Utc>,
    stale: DateTime<Utc>,
    expired: DateTime<Utc>,
) -> Result<Claim, DbError> {
    let claimed = diesel::sql_query(
        "INSERT INTO idempotency_keys AS k (user_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, created_at = excluded.created_at,
                status = NULL, content_type = NULL, body = NULL
          WHERE (k.status IS NULL AND k.created_at < $5) OR k.created_at < $6",
    )
    .bind::<BigInt, _>(key.user.0)
    .bind::<Text, _>(&key.text)
    .bind::<Text, _>(fingerprint)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(stale)
    .bind::<Timestamptz, _>(expired)
    .execute(connection)
    .await?;
    if claimed > 0 {
        return Ok(Claim::Ours(now));
    }
    let first = idempotency_keys::table.find((key.user.0, &key.text)).select(First::as_select());
    Ok(first.first(connection).await.optional()?.map_or(Claim::Gone, Claim::Theirs))
}

/// Says at `now` that the request is still being done; gives the new fence, or `None` if another has taken over.
pub async fn renew(
    connection: &mut AsyncPgConnection,
    key: &Key,
    fence: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let renewed =
        diesel::update(held(key, fence)).set(idempotency_keys::created_at.eq(now)).execute(connection).await?;
    Ok((renewed > 0).then_some(now))
}

/// Keeps the answer. `body`: `None` if it is too long to keep.
pub async fn finish(
    connection: &mut AsyncPgConnection,
    key: &Key,
    fence: DateTime<Utc>,
    status: i16,
    content_type: Option<&str>,
    body: Option<&[u8]>,
) -> Result<(), DbError> {
    let answer = (
        idempotency_keys::status.eq(status),
        idempotency_keys::content_type.eq(content_type),
        idempotency_keys::body.eq(body),
    );
    diesel::update(held(key, fence)).set(answer).execute(connection).await?;
    Ok(())
}

/// Forgets the key: the request had no effect, and may be made again.
pub async fn release(connection: &mut AsyncPgConnection, key: &Key, fence: DateTime<Utc>) -> Result<(), DbError> {
    diesel::delete(held(key, fence)).execute(connection).await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn held<'a>(key: &'a Key, fence: DateTime<Utc>) -> _ {
    let user: i64 = key.user.0;
    let text: &'a str = key.text.as_str();
    idempotency_keys::table
        .filter(idempotency_keys::user_id.eq(user))
        .filter(idempotency_keys::key.eq(text))
        .filter(idempotency_keys::status.is_null())
        .filter(idempotency_keys::created_at.eq(fence))
}
