//! The keys that access tokens are signed with: one signs, others still count until they are retired.

use crate::{DbError, tables::token_keys};
use chrono::{DateTime, Utc};
use diesel::{dsl::not, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// A key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = token_keys)]
pub struct TokenKeyRow {
    /// The key id that tokens name.
    pub id: String,
    /// Ed25519, 32 bytes.
    pub public_key: Vec<u8>,
    /// PKCS #8, sealed.
    pub private_key: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Signs from then on.
    pub signs_from: DateTime<Utc>,
    /// Its tokens do not count any more from then on.
    pub retired_at: Option<DateTime<Utc>>,
}

/// The keys that count at `now`, the newest first.
pub async fn in_force(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<TokenKeyRow>, DbError> {
    let counting = token_keys::table.filter(token_keys::retired_at.is_null().or(token_keys::retired_at.gt(now)));
    Ok(counting
        .order((token_keys::signs_from.desc(), token_keys::id))
        .select(TokenKeyRow::as_select())
        .load(connection)
        .await?)
}

/// Adds the first key; false: there is one already, another process's.
pub async fn add_first(connection: &mut AsyncPgConnection, key: &TokenKeyRow) -> Result<bool, DbError> {
    // one after the other, even when every process starts at once
    diesel::sql_query("LOCK TABLE token_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    let counting =
        token_keys::table.filter(token_keys::retired_at.is_null().or(token_keys::retired_at.gt(key.created_at)));
    if diesel::select(diesel::dsl::exists(counting)).get_result::<bool>(connection).await? {
        return Ok(false);
    }
    diesel::insert_into(token_keys::table).values(key).execute(connection).await?;
    Ok(true)
}

/// Adds a key, and retires all others at `retire_at`.
pub async fn rotate(
    connection: &mut AsyncPgConnection,
    key: &TokenKeyRow,
    retire_at: DateTime<Utc>,
) -> Result<(), DbError> {
    diesel::insert_into(token_keys::table).values(key).execute(connection).await?;
    let others = token_keys::table.filter(not(token_keys::id.eq(&key.id)).and(token_keys::retired_at.is_null()));
    diesel::update(others).set(token_keys::retired_at.eq(retire_at)).execute(connection).await?;
    Ok(())
}

/// Adds a key and retires all others at `retire_at`, if the newest signs since before `old`; false: it does not, or there
/// is none yet.
pub async fn rotate_if_older(
    connection: &mut AsyncPgConnection,
    key: &TokenKeyRow,
    old: DateTime<Utc>,
    retire_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    // one after the other, as the first is added
    diesel::sql_query("LOCK TABLE token_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    let living = token_keys::table.filter(token_keys::retired_at.is_null());
    let newest: Option<DateTime<Utc>> =
        living.select(diesel::dsl::max(token_keys::signs_from)).first(connection).await?;
    if newest.is_none_or(|signs_from| signs_from >= old) {
        return Ok(false);
    }
    rotate(connection, key, retire_at).await?;
    Ok(true)
}

/// Forgets keys that were retired before `until`.
pub async fn prune(connection: &mut AsyncPgConnection, until: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(diesel::delete(token_keys::table.filter(token_keys::retired_at.lt(until))).execute(connection).await?)
}
