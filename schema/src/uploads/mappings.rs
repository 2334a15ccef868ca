//! Saved mappings of headers to columns, by name.

use crate::{DbError, tables::upload_mappings};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

/// A saved mapping.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = upload_mappings)]
pub struct SavedMapping {
    pub id: i64,
    pub name: String,
    /// Header text to column.
    pub mapping: Value,
    pub updated_at: DateTime<Utc>,
}

/// Saves a mapping under a name, in place of the one of that name.
pub async fn save(
    connection: &mut AsyncPgConnection,
    name: &str,
    mapping: &Value,
    user: Option<i64>,
    now: DateTime<Utc>,
) -> Result<SavedMapping, DbError> {
    use upload_mappings::dsl;
    Ok(diesel::insert_into(dsl::upload_mappings)
        .values((dsl::name.eq(name), dsl::mapping.eq(mapping), dsl::created_by.eq(user), dsl::updated_at.eq(now)))
        .on_conflict(dsl::name)
        .do_update()
        .set((dsl::mapping.eq(mapping), dsl::updated_at.eq(now)))
        .returning(SavedMapping::as_returning())
        .get_result(connection)
        .await?)
}

/// The mapping of that name.
pub async fn find(connection: &mut AsyncPgConnection, name: &str) -> Result<Option<SavedMapping>, DbError> {
    use upload_mappings::dsl;
    let found = dsl::upload_mappings.filter(dsl::name.eq(name)).select(SavedMapping::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// The mapping of that name, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, name: &str) -> Result<Option<SavedMapping>, DbError> {
    use upload_mappings::dsl;
    let held = dsl::upload_mappings.filter(dsl::name.eq(name)).select(SavedMapping::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// Forgets the mapping of that name; `false`: there is none. Uploads that used it keep its content.
pub async fn delete(connection: &mut AsyncPgConnection, name: &str) -> Result<bool, DbError> {
    use upload_mappings::dsl;
    Ok(diesel::delete(dsl::upload_mappings.filter(dsl::name.eq(name))).execute(connection).await? > 0)
}

/// A page of mappings by name.
pub async fn list(connection: &mut AsyncPgConnection, offset: i64, limit: i64) -> Result<Vec<SavedMapping>, DbError> {
    use upload_mappings::dsl;
    let page = dsl::upload_mappings.order(dsl::name).offset(offset).limit(limit).select(SavedMapping::as_select());
    Ok(page.load(connection).await?)
}

/// How many mappings there are, counted up to `cap` + 1.
pub async fn count(connection: &mut AsyncPgConnection, cap: i64) -> Result<i64, DbError> {
    let counted: crate::Count =
        diesel::sql_query("SELECT count(*) AS count FROM (SELECT 1 FROM upload_mappings LIMIT $1) listed")
            .bind::<diesel::sql_types::BigInt, _>(cap + 1)
            .get_result(connection)
            .await?;
    Ok(counted.count)
}
