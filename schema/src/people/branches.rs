//! Offices.

use crate::{DbError, tables::branches};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::BranchId;
use serde_json::Value;

/// An office.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = branches)]
pub struct BranchRow {
    pub id: i64,
    /// Unique, as policies name it.
    pub code: String,
    pub name: String,
    pub address: Option<Value>,
    /// An IANA name.
    pub time_zone: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is told about an office.
#[derive(Debug, Clone, Insertable, AsChangeset)]
#[diesel(table_name = branches, treat_none_as_null = true)]
pub struct BranchText {
    pub code: String,
    pub name: String,
    pub address: Option<Value>,
    pub time_zone: String,
}

/// A page of offices by code.
pub async fn list(connection: &mut AsyncPgConnection, offset: i64, limit: i64) -> Result<Vec<BranchRow>, DbError> {
    let page = branches::table.order(branches::code).offset(offset).limit(limit);
    Ok(page.select(BranchRow::as_select()).load(connection).await?)
}

/// How many there are, counted up to `most`.
pub async fn count(connection: &mut AsyncPgConnection, most: i64) -> Result<i64, DbError> {
    let ids: Vec<i64> = branches::table.select(branches::id).limit(most).load(connection).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// An office.
pub async fn get(connection: &mut AsyncPgConnection, id: BranchId) -> Result<Option<BranchRow>, DbError> {
    let found = branches::table.find(id.0).select(BranchRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// An office that stays as it is until the transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection, id: BranchId) -> Result<Option<BranchRow>, DbError> {
    let found = branches::table.find(id.0).select(BranchRow::as_select()).for_no_key_update();
    Ok(found.first(connection).await.optional()?)
}

/// Adds an office. A taken code violates `branches_code_key`.
pub async fn create(
    connection: &mut AsyncPgConnection,
    text: &BranchText,
    now: DateTime<Utc>,
) -> Result<BranchRow, DbError> {
    let times = (branches::created_at.eq(now), branches::updated_at.eq(now));
    let row = diesel::insert_into(branches::table).values((text, times)).returning(BranchRow::as_returning());
    Ok(row.get_result(connection).await?)
}

/// Changes an office.
pub async fn change(
    connection: &mut AsyncPgConnection,
    id: BranchId,
    text: &BranchText,
    now: DateTime<Utc>,
) -> Result<BranchRow, DbError> {
    let set = (text, branches::updated_at.eq(now));
    let row = diesel::update(branches::table.find(id.0)).set(set).returning(BranchRow::as_returning());
    Ok(row.get_result(connection).await?)
}
