//! How accounts begin: somebody is invited, or asks for an account, and answers with a password.

use crate::{
    DbError,
    tables::{password_reset_requests, users},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::{RoleId, UserId};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Somebody who asks for an account.
#[derive(Debug, Clone, Copy)]
pub struct Applicant<'a> {
    /// In lower case.
    pub email: &'a str,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// What they may do.
    pub role: RoleId,
}

/// Adds somebody who still has to answer; `None`: the address has an account.
pub async fn apply(connection: &mut AsyncPgConnection, who: &Applicant<'_>) -> Result<Option<UserId>, DbError> {
    let added: Option<i64> = diesel::insert_into(users::table)
        .values((
            users::email.eq(who.email),
            users::first_name.eq(who.first_name),
            users::last_name.eq(who.last_name),
            users::role_id.eq(who.role.0),
            users::status.eq("invited"),
        ))
        .on_conflict(users::email)
        .do_nothing()
        .returning(users::id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(added.map(UserId))
}

/// Somebody who was invited answers: from now on they may come in. False: they have answered, or may not any more.
/// Within the caller's transaction.
pub async fn answer(
    connection: &mut AsyncPgConnection,
    user: UserId,
    password_hash: &str,
    names: (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = users::table.find(user.0).filter(users::status.eq("invited"));
    let change = (
        users::status.eq("active"),
        users::password_hash.eq(password_hash),
        users::password_changed_at.eq(now),
        users::first_name.eq(names.0),
        users::last_name.eq(names.1),
        users::updated_at.eq(diesel::dsl::now),
    );
    Ok(diesel::update(row).set(change).execute(connection).await? > 0)
}

/// Notes that somebody asked for another password, whether or not the address has an account.
pub async fn ask_for_reset(
    connection: &mut AsyncPgConnection,
    email: &str,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<i64, DbError> {
    let id = diesel::insert_into(password_reset_requests::table)
        .values((
            password_reset_requests::email.eq(email),
            password_reset_requests::ip_address.eq(address.map(IpNetwork::from)),
            password_reset_requests::created_at.eq(now),
        ))
        .returning(password_reset_requests::id)
        .get_result(connection)
        .await?;
    Ok(id)
}

/// The address that asked for another password, and from where.
pub async fn reset_request(
    connection: &mut AsyncPgConnection,
    id: i64,
) -> Result<Option<(String, Option<IpAddr>)>, DbError> {
    let found = password_reset_requests::table
        .find(id)
        .select((password_reset_requests::email, password_reset_requests::ip_address));
    let found: Option<(String, Option<IpNetwork>)> = found.first(connection).await.optional()?;
    Ok(found.map(|(email, address)| (email, address.map(|network| network.ip()))))
}
