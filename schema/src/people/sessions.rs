//! Sessions and the families of their refresh tokens: one sign-in on one device is one session.
//!
//! A refresh token counts once. Showing it again means that two parties hold it: the session ends
//! ([`Refreshed::Reused`]), since nobody can tell which of them is the thief (RFC 9700, 4.14.2).

use crate::{
    DbError,
    tables::{refresh_tokens, sessions, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    sign_in::{SessionEnd, SignInMethod},
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;
use uuid::Uuid;

diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::allow_tables_to_appear_in_same_query!(refresh_tokens, sessions);
diesel::allow_tables_to_appear_in_same_query!(refresh_tokens, users);

/// A session to be.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub user: UserId,
    /// How they came in.
    pub method: SignInMethod,
    /// The device, as its holder knows it.
    pub device_name: String,
    /// The caller's program.
    pub user_agent: Option<String>,
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// When.
    pub now: DateTime<Utc>,
    /// Ends then unless it is used.
    pub idle_until: DateTime<Utc>,
    /// Ends then in any case.
    pub expires_at: DateTime<Utc>,
    /// Whether a second factor was shown.
    pub with_mfa: bool,
}

/// A session, as its holder sees it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub user_id: i64,
    /// How they came in.
    pub method: String,
    /// The device.
    pub device_name: String,
    /// Where they came in from.
    pub ip_address: Option<IpNetwork>,
    /// Where they were seen last.
    pub last_ip_address: Option<IpNetwork>,
    /// When they came in.
    pub created_at: DateTime<Utc>,
    /// When they were seen last, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// Ends then unless it is used.
    pub idle_until: DateTime<Utc>,
    /// Ends then in any case.
    pub expires_at: DateTime<Utc>,
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The new one counts from now on, for this session.
    Renewed {
        /// The session.
        session: Uuid,
        /// Whose.
        user: UserId,
        /// Its last moment in any case.
        expires_at: DateTime<Utc>,
    },
    /// It had been used before: the session has ended now.
    Reused {
        /// The session.
        session: Uuid,
        /// Whose.
        user: UserId,
    },
    /// There is no such token, or its session had ended already.
    Unknown,
}

/// Begins a session with its first refresh token (SHA-256 of it).
pub async fn begin(
    connection: &mut AsyncPgConnection,
    session: &NewSession,
    token_hash: &[u8; 32],
) -> Result<(), DbError> {
    let address = session.address.map(IpNetwork::from);
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id),
            sessions::user_id.eq(session.user.0),
            sessions::method.eq(session.method.as_str()),
            sessions::device_name.eq(&session.device_name),
            sessions::user_agent.eq(&session.user_agent),
            sessions::ip_address.eq(address),
            sessions::last_ip_address.eq(address),
            sessions::created_at.eq(session.now),
            sessions::last_seen_at.eq(session.now),
            sessions::idle_until.eq(session.idle_until),
            sessions::expires_at.eq(session.expires_at),
            sessions::mfa_at.eq(session.with_mfa.then_some(session.now)),
            sessions::confirmed_at.eq(session.now),
        ))
        .execute(connection)
        .await?;
    add_token(connection, session.id, token_hash, session.now).await
}

async fn add_token(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        refresh_tokens::token_hash.eq(&token_hash[..]),
        refresh_tokens::session_id.eq(session),
        refresh_tokens::created_at.eq(now),
    );
    diesel::insert_into(refresh_tokens::table).values(row).execute(connection).await?;
    Ok(())
}

/// Takes a refresh token for a new one; within the caller's transaction, which must commit whatever the answer is.
pub async fn refresh(
    connection: &mut AsyncPgConnection,
    shown: &[u8; 32],
    next: &[u8; 32],
    seen: &Seen,
) -> Result<Refreshed, DbError> {
    // the session is locked first: two callers with one token come one after the other
    let active = users::table.filter(users::status.eq("active")).select(users::id);
    let found: Option<(Uuid, i64, DateTime<Utc>)> = sessions::table
        .filter(sessions::id.eq_any(
            refresh_tokens::table.filter(refresh_tokens::token_hash.eq(&shown[..])).select(refresh_tokens::session_id),
        ))
        .filter(sessions::revoked_at.is_null().and(sessions::idle_until.gt(seen.now)))
        .filter(sessions::expires_at.gt(seen.now).and(sessions::user_id.eq_any(active)))
        .select((sessions::id, sessions::user_id, sessions::expires_at))
        .for_update()
        .first(connection)
        .await
        .optional()?;
    let Some((session, user, expires_at)) = found else { return Ok(Refreshed::Unknown) };
    let user = UserId(user);
    let unused = refresh_tokens::table.find(&shown[..]).filter(refresh_tokens::used_at.is_null());
    let used = diesel::update(unused).set(refresh_tokens::used_at.eq(seen.now)).execute(connection).await?;
    if used == 0 {
        end(connection, session, SessionEnd::Reused, seen.now).await?;
        return Ok(Refreshed::Reused { session, user });
    }
    add_token(connection, session, next, seen.now).await?;
    touch(connection, session, seen).await?;
    Ok(Refreshed::Renewed { session, user, expires_at })
}

/// That a session was used.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// When.
    pub now: DateTime<Utc>,
    /// Ends then unless it is used again.
    pub idle_until: DateTime<Utc>,
    /// From where.
    pub address: Option<IpAddr>,
}

/// Notes that a session was used.
pub async fn touch(connection: &mut AsyncPgConnection, session: Uuid, seen: &Seen) -> Result<(), DbError> {
    let open = sessions::table.find(session).filter(sessions::revoked_at.is_null());
    diesel::update(open)
        .set((
            sessions::last_seen_at.eq(seen.now),
            sessions::idle_until.eq(seen.idle_until),
            sessions::last_ip_address.eq(seen.address.map(IpNetwork::from)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that the holder has just shown a password or, `with_mfa`, a second factor.
pub async fn confirm(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    with_mfa: bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = sessions::table.find(session);
    if with_mfa {
        let shown = (sessions::confirmed_at.eq(now), sessions::mfa_at.eq(now));
        diesel::update(row).set(shown).execute(connection).await?;
    } else {
        diesel::update(row).set(sessions::confirmed_at.eq(now)).execute(connection).await?;
    }
    Ok(())
}

/// Somebody's sessions that live, the last used first.
pub async fn of_user(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionRow>, DbError> {
    let open = sessions::table
        .filter(sessions::user_id.eq(user.0).and(sessions::revoked_at.is_null()))
        .filter(sessions::idle_until.gt(now).and(sessions::expires_at.gt(now)));
    let newest = open.order((sessions::last_seen_at.desc(), sessions::id)).limit(200);
    Ok(newest.select(SessionRow::as_select()).load(connection).await?)
}

/// Ends a session; false: it had ended.
pub async fn end(
    connection: &mut AsyncPgConnection,
    session: Uuid,
    why: SessionEnd,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let open = sessions::table.find(session).filter(sessions::revoked_at.is_null());
    let ended = (sessions::revoked_at.eq(now), sessions::revoke_reason.eq(why.as_str()));
    Ok(diesel::update(open).set(ended).execute(connection).await? > 0)
}

/// Ends one of somebody's sessions; false: there is no such one of theirs.
pub async fn end_own(
    connection: &mut AsyncPgConnection,
    user: UserId,
    session: Uuid,
    why: SessionEnd,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let open = sessions::table.find(session).filter(sessions::user_id.eq(user.0).and(sessions::revoked_at.is_null()));
    let ended = (sessions::revoked_at.eq(now), sessions::revoke_reason.eq(why.as_str()));
    Ok(diesel::update(open).set(ended).execute(connection).await? > 0)
}

/// Ends all of somebody's sessions, except one; how many.
pub async fn end_all(
    connection: &mut AsyncPgConnection,
    user: UserId,
    except: Option<Uuid>,
    why: SessionEnd,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    // no session has the nil id
    let kept = except.unwrap_or_default();
    let open = sessions::table
        .filter(sessions::user_id.eq(user.0).and(sessions::revoked_at.is_null()))
        .filter(sessions::id.ne(kept));
    let ended = (sessions::revoked_at.eq(now), sessions::revoke_reason.eq(why.as_str()));
    Ok(diesel::update(open).set(ended).execute(connection).await?)
}

/// Forgets a part of the sessions that ended before `until`; how many.
pub async fn prune(connection: &mut AsyncPgConnection, until: DateTime<Utc>, most: i64) -> Result<usize, DbError> {
    let old = sessions::table.filter(sessions::expires_at.lt(until)).select(sessions::id).limit(most);
    let ids: Vec<Uuid> = old.load(connection).await?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(connection).await?)
}
