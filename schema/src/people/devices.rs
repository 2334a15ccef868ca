//! Devices from which people have signed in: a token each, of which only the hash (SHA-256) is kept.

use crate::{DbError, tables::known_devices};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, upsert::excluded};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UserId;

/// Whether somebody has signed in from that device before.
pub async fn is_known(
    connection: &mut AsyncPgConnection,
    user: UserId,
    token_hash: &[u8; 32],
) -> Result<bool, DbError> {
    let known = known_devices::table
        .filter(known_devices::user_id.eq(user.0).and(known_devices::token_hash.eq(&token_hash[..])));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(connection).await?)
}

/// Whether somebody has signed in from any device before.
pub async fn any(connection: &mut AsyncPgConnection, user: UserId) -> Result<bool, DbError> {
    let known = known_devices::table.filter(known_devices::user_id.eq(user.0));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(connection).await?)
}

/// Notes that somebody has signed in from a device.
pub async fn seen(
    connection: &mut AsyncPgConnection,
    user: UserId,
    token_hash: &[u8; 32],
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    diesel::insert_into(known_devices::table)
        .values((
            known_devices::user_id.eq(user.0),
            known_devices::token_hash.eq(&token_hash[..]),
            known_devices::name.eq(name),
            known_devices::first_seen_at.eq(now),
            known_devices::last_seen_at.eq(now),
        ))
        .on_conflict((known_devices::user_id, known_devices::token_hash))
        .do_update()
        .set(known_devices::last_seen_at.eq(excluded(known_devices::last_seen_at)))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets somebody's devices, except one: whoever has one of them is a stranger again.
pub async fn forget_others(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kept: Option<&[u8; 32]>,
) -> Result<(), DbError> {
    // no token has an empty hash
    let kept = kept.map_or(&[][..], |hash| &hash[..]);
    let others = known_devices::table.filter(known_devices::user_id.eq(user.0).and(known_devices::token_hash.ne(kept)));
    diesel::delete(others).execute(connection).await?;
    Ok(())
}

/// Forgets all of somebody's devices: whoever has one of them is a stranger again.
pub async fn forget_all(connection: &mut AsyncPgConnection, user: UserId) -> Result<(), DbError> {
    diesel::delete(known_devices::table.filter(known_devices::user_id.eq(user.0))).execute(connection).await?;
    Ok(())
}
