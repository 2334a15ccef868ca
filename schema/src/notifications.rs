//! What people are told inside the product.

use crate::DbError;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

/// One notification to one person.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotification {
    /// Whom it is for.
    pub user: i64,
    /// What it is about, by a stable name.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// What happened and what to do.
    pub message: String,
    /// Ids a program may go by.
    pub data: Value,
    /// `low`, `medium`, `high` or `urgent`.
    pub priority: &'static str,
}

/// Writes them.
pub async fn insert(connection: &mut AsyncPgConnection, new: &[NewNotification]) -> Result<usize, DbError> {
    fn column<'a, T>(new: &'a [NewNotification], of: impl Fn(&'a NewNotification) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    Ok(sql_query(
        "INSERT INTO notifications (user_id, type, title, message, data, priority) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Array<BigInt>, _>(column(new, |one| one.user))
    .bind::<Array<Text>, _>(column(new, |one| one.kind))
    .bind::<Array<Text>, _>(column(new, |one| one.title.as_str()))
    .bind::<Array<Text>, _>(column(new, |one| one.message.as_str()))
    .bind::<Array<Jsonb>, _>(column(new, |one| &one.data))
    .bind::<Array<Text>, _>(column(new, |one| one.priority))
    .execute(connection)
    .await?)
}
