//! The rules of restraint, one row; without it the defaults hold.
//!
//! Reading fails when a newer program wrote rules that this one does not know: it would hold back too little.

use crate::{DbError, tables::messaging_rules};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UserId, messaging::restraint::Rules};
use serde_json::Value;

/// The one row.
const ONLY: i16 = 1;

/// The rules, and who wrote them last.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What holds.
    pub rules: Rules,
    /// Who changed them last; `None`: nobody, or somebody who is gone.
    pub updated_by: Option<UserId>,
    /// When; `None`: they are the defaults.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What holds now.
pub async fn get(connection: &mut AsyncPgConnection) -> Result<Rules, DbError> {
    Ok(written(connection).await?.rules)
}

/// What holds now, and who wrote it.
pub async fn written(connection: &mut AsyncPgConnection) -> Result<Written, DbError> {
    let row: Option<(Value, Option<i64>, DateTime<Utc>)> = messaging_rules::table
        .find(ONLY)
        .select((messaging_rules::rules, messaging_rules::updated_by, messaging_rules::updated_at))
        .first(connection)
        .await
        .optional()?;
    let Some((rules, updated_by, updated_at)) = row else {
        return Ok(Written { rules: Rules::default(), updated_by: None, updated_at: None });
    };
    let rules =
        serde_json::from_value(rules).map_err(|_| DbError::Unknown { table: "messaging_rules", column: "rules" })?;
    Ok(Written { rules, updated_by: updated_by.map(UserId), updated_at: Some(updated_at) })
}

/// Puts rules in place of those that hold. They were checked by the caller.
pub async fn put(
    connection: &mut AsyncPgConnection,
    rules: &Rules,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let json = serde_json::to_value(rules)
        .map_err(|error| DbError::Query(diesel::result::Error::SerializationError(error.into())))?;
    let row = (
        messaging_rules::rules.eq(json),
        messaging_rules::updated_by.eq(by.map(|user| user.0)),
        messaging_rules::updated_at.eq(now),
    );
    diesel::insert_into(messaging_rules::table)
        .values((messaging_rules::id.eq(ONLY), row.clone()))
        .on_conflict(messaging_rules::id)
        .do_update()
        .set(row)
        .execute(connection)
        .await?;
    Ok(())
}
