//! What happened to accounts: sign-ins, failures, changes of what people come in with.

use crate::{DbError, tables::security_events};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, sign_in::SecurityEventKind};
use ipnetwork::IpNetwork;
use serde_json::Value;
use std::net::IpAddr;

/// Something that happened.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// To whose account; `None`: to one that is not there.
    pub user: Option<UserId>,
    /// What.
    pub kind: SecurityEventKind,
    /// From where.
    pub address: Option<IpAddr>,
    /// With which program.
    pub user_agent: Option<&'a str>,
    /// More about it; no secrets.
    pub details: Value,
}

/// Something that happened, as it is listed.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = security_events)]
pub struct EventRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// To whose account.
    pub user_id: Option<i64>,
    /// What.
    pub kind: String,
    /// From where.
    pub ip_address: Option<IpNetwork>,
    /// With which program.
    pub user_agent: Option<String>,
    /// More about it.
    pub details: Value,
}

/// Writes one down.
pub async fn record(connection: &mut AsyncPgConnection, event: &NewEvent<'_>) -> Result<i64, DbError> {
    let id = diesel::insert_into(security_events::table)
        .values((
            security_events::at.eq(event.at),
            security_events::user_id.eq(event.user.map(|user| user.0)),
            security_events::kind.eq(event.kind.as_str()),
            security_events::ip_address.eq(event.address.map(IpNetwork::from)),
            security_events::user_agent.eq(event.user_agent),
            security_events::details.eq(&event.details),
        ))
        .returning(security_events::id)
        .get_result(connection)
        .await?;
    Ok(id)
}

/// A part of what happened to an account, newest first.
pub async fn of_user(
    connection: &mut AsyncPgConnection,
    user: UserId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    let listed = security_events::table
        .filter(security_events::user_id.eq(user.0).and(security_events::id.lt(before.unwrap_or(i64::MAX))));
    let newest = listed.order(security_events::id.desc()).limit(limit);
    Ok(newest.select(EventRow::as_select()).load(connection).await?)
}

/// One of them.
pub async fn find(connection: &mut AsyncPgConnection, id: i64) -> Result<Option<EventRow>, DbError> {
    Ok(security_events::table.find(id).select(EventRow::as_select()).first(connection).await.optional()?)
}
