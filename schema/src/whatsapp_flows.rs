//! Flows over WhatsApp: forms, and what follows from answers.

use crate::{DbError, sql::sql, tables::whatsapp_flows};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{FlowId, UserId},
    messaging::flow::{FlowKind, FlowStatus},
};
use serde_json::Value;
use std::collections::HashMap;

/// A flow.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = whatsapp_flows)]
pub struct FlowRow {
    /// Its id.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// A name of `FlowKind`.
    pub kind: String,
    /// A name of `FlowStatus`.
    pub status: String,
    /// What it does.
    pub definition: Value,
    /// The provider's id of a form.
    pub provider_flow_id: Option<String>,
    /// What the provider has against a form.
    pub provider_errors: Option<Value>,
    /// Who wrote it.
    pub created_by: Option<i64>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl FlowRow {
    /// What it is.
    pub fn kind(&self) -> Result<FlowKind, DbError> {
        self.kind.parse().map_err(|_| DbError::Unknown { table: "whatsapp_flows", column: "kind" })
    }

    /// Where it stands.
    pub fn status(&self) -> Result<FlowStatus, DbError> {
        self.status.parse().map_err(|_| DbError::Unknown { table: "whatsapp_flows", column: "status" })
    }
}

/// Which flows are asked for; empty: any.
#[derive(Debug, Clone, Default)]
pub struct FlowFilter {
    /// Of these kinds.
    pub kinds: Vec<FlowKind>,
    /// That stand so.
    pub statuses: Vec<FlowStatus>,
}

/// A part of the list, newest first.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &FlowFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<FlowRow>, DbError> {
    let mut query = whatsapp_flows::table.select(FlowRow::as_select()).into_boxed();
    if !filter.kinds.is_empty() {
        query = query.filter(whatsapp_flows::kind.eq_any(kinds(filter)));
    }
    if !filter.statuses.is_empty() {
        query = query.filter(whatsapp_flows::status.eq_any(statuses(filter)));
    }
    Ok(query.order(whatsapp_flows::id.desc()).offset(offset).limit(limit).load(connection).await?)
}

/// How many there are, counted to `cap` at most.
pub async fn count(connection: &mut AsyncPgConnection, filter: &FlowFilter, cap: i64) -> Result<i64, DbError> {
    let text = "SELECT count(*) AS count FROM (SELECT 1 FROM whatsapp_flows \
                WHERE (cardinality($1) = 0 OR kind = ANY ($1)) AND (cardinality($2) = 0 OR status = ANY ($2)) LIMIT $3) AS counted";
    let counted: crate::Count = sql(text)
        .bind::<Array<Text>, _>(kinds(filter))
        .bind::<Array<Text>, _>(statuses(filter))
        .bind::<BigInt, _>(cap)
        .get_result(connection)
        .await?;
    Ok(counted.count)
}

/// One flow.
pub async fn get(connection: &mut AsyncPgConnection, id: FlowId) -> Result<Option<FlowRow>, DbError> {
    let found = whatsapp_flows::table.find(id.0).select(FlowRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// One flow, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: FlowId) -> Result<Option<FlowRow>, DbError> {
    let held = whatsapp_flows::table.find(id.0).select(FlowRow::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// Those of the users that there are.
pub async fn known_users(connection: &mut AsyncPgConnection, users: &[UserId]) -> Result<Vec<i64>, DbError> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let ids: Vec<i64> = users.iter().map(|user| user.0).collect();
    let known: Vec<Known> =
        sql("SELECT id FROM users WHERE id = ANY ($1)").bind::<Array<BigInt>, _>(ids).load(connection).await?;
    Ok(known.into_iter().map(|user| user.id).collect())
}

/// Writes a draft; `None`: there is one of that name.
pub async fn create(
    connection: &mut AsyncPgConnection,
    (name, kind, definition): (&str, FlowKind, &Value),
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Option<FlowId>, DbError> {
    let id = diesel::insert_into(whatsapp_flows::table)
        .values((
            whatsapp_flows::name.eq(name),
            whatsapp_flows::kind.eq(kind.as_str()),
            whatsapp_flows::definition.eq(definition),
            whatsapp_flows::created_by.eq(by.0),
            whatsapp_flows::created_at.eq(now),
            whatsapp_flows::updated_at.eq(now),
        ))
        .on_conflict(whatsapp_flows::name)
        .do_nothing()
        .returning(whatsapp_flows::id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(id.map(FlowId))
}

/// Changes a draft; `false`: there is another of that name.
pub async fn update(
    connection: &mut AsyncPgConnection,
    id: FlowId,
    (name, definition): (&str, &Value),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed =
        sql("UPDATE whatsapp_flows AS f SET name = $2, definition = $3, provider_errors = NULL, updated_at = $4 \
         WHERE id = $1 AND NOT EXISTS (SELECT FROM whatsapp_flows AS o WHERE o.name = $2 AND o.id <> f.id)")
        .bind::<BigInt, _>(id.0)
        .bind::<Text, _>(name)
        .bind::<Jsonb, _>(definition)
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// The provider has made a form.
pub async fn set_provider_id(connection: &mut AsyncPgConnection, id: FlowId, provider: &str) -> Result<(), DbError> {
    let change = whatsapp_flows::provider_flow_id.eq(provider);
    diesel::update(whatsapp_flows::table.find(id.0)).set(change).execute(connection).await?;
    Ok(())
}

/// What the provider has against a form.
pub async fn set_errors(connection: &mut AsyncPgConnection, id: FlowId, errors: &Value) -> Result<(), DbError> {
    let change = whatsapp_flows::provider_errors.eq(errors);
    diesel::update(whatsapp_flows::table.find(id.0)).set(change).execute(connection).await?;
    Ok(())
}

/// A flow is in use from now on, if it is still what was published; `false`: it was changed meanwhile.
pub async fn publish(
    connection: &mut AsyncPgConnection,
    id: FlowId,
    definition: &Value,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed = sql("UPDATE whatsapp_flows SET status = 'published', published_at = $3, updated_at = $3, \
             provider_errors = NULL WHERE id = $1 AND status = 'draft' AND definition = $2")
    .bind::<BigInt, _>(id.0)
    .bind::<Jsonb, _>(definition)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(changed > 0)
}

/// A flow is not used any more.
pub async fn retire(connection: &mut AsyncPgConnection, id: FlowId, now: DateTime<Utc>) -> Result<(), DbError> {
    let change = (whatsapp_flows::status.eq(FlowStatus::Retired.as_str()), whatsapp_flows::updated_at.eq(now));
    diesel::update(whatsapp_flows::table.find(id.0)).set(change).execute(connection).await?;
    Ok(())
}

fn kinds(filter: &FlowFilter) -> Vec<&'static str> {
    filter.kinds.iter().map(|kind| kind.as_str()).collect()
}

fn statuses(filter: &FlowFilter) -> Vec<&'static str> {
    filter.statuses.iter().map(|status| status.as_str()).collect()
}

#[derive(QueryableByName)]
struct Leads {
    #[diesel(sql_type = BigInt)]
    message: i64,
    #[diesel(sql_type = Text)]
    flow: String,
}

/// Which flow of replies answers to these messages lead into, by what their templates say.
pub async fn of_templates(connection: &mut AsyncPgConnection, messages: &[i64]) -> Result<HashMap<i64, i64>, DbError> {
    let rows: Vec<Leads> = sql("SELECT m.id AS message, v.extras ->> 'replyFlowId' AS flow \
         FROM messages m JOIN template_versions v ON v.id = m.template_version_id \
         WHERE m.id = ANY($1) AND v.extras ->> 'replyFlowId' IS NOT NULL")
    .bind::<Array<BigInt>, _>(messages)
    .load(connection)
    .await?;
    let read = |row: Leads| Some((row.message, row.flow.parse::<FlowId>().ok()?.0));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The definitions of those flows of replies that are in use.
pub async fn published(connection: &mut AsyncPgConnection, ids: &[i64]) -> Result<Vec<(i64, Value)>, DbError> {
    let found = whatsapp_flows::table
        .filter(whatsapp_flows::id.eq_any(ids))
        .filter(whatsapp_flows::kind.eq(FlowKind::Reply.as_str()))
        .filter(whatsapp_flows::status.eq(FlowStatus::Published.as_str()))
        .select((whatsapp_flows::id, whatsapp_flows::definition));
    Ok(found.load(connection).await?)
}
