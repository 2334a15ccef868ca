//! WhatsApp templates: as they are written here, and as the provider has them.

use crate::{DbError, sql::sql, tables::whatsapp_templates};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{UserId, WhatsappTemplateId},
    messaging::whatsapp_template::{TemplateCategory, TemplateState},
};
use serde_json::Value;

/// A template.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = whatsapp_templates)]
pub struct WhatsappTemplateRow {
    /// Its id.
    pub id: i64,
    /// Its name at the provider.
    pub name: String,
    /// A name of `TemplateCategory`.
    pub category: String,
    /// Such as `en` or `en_US`.
    pub language: String,
    /// A name of `TemplateState`.
    pub status: String,
    /// `{"components": […]}`, in the provider's form.
    pub template_data: Value,
    /// Who wrote it.
    pub created_by: Option<i64>,
    /// When it was approved first.
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// The template of ours that it is the approved copy of.
    pub template_id: Option<i64>,
    /// The sending account it belongs to.
    pub account: Option<String>,
    /// The provider's id of it.
    pub provider_template_id: Option<String>,
    /// How recipients take it.
    pub quality: Option<String>,
    /// Why it was refused.
    pub rejected_reason: Option<String>,
    /// When it was handed in last.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the provider was asked about it last.
    pub synced_at: Option<DateTime<Utc>>,
}

impl WhatsappTemplateRow {
    /// Where it stands.
    pub fn state(&self) -> Result<TemplateState, DbError> {
        self.status.parse().map_err(|_| DbError::Unknown { table: "whatsapp_templates", column: "status" })
    }

    /// What it is for.
    pub fn category(&self) -> Result<TemplateCategory, DbError> {
        self.category.parse().map_err(|_| DbError::Unknown { table: "whatsapp_templates", column: "category" })
    }
}

/// What is written about a template.
#[derive(Debug, Clone)]
pub struct WhatsappTemplateText<'a> {
    /// Its name at the provider.
    pub name: &'a str,
    /// What it is for.
    pub category: TemplateCategory,
    /// Its language.
    pub language: &'a str,
    /// `{"components": […]}`.
    pub data: &'a Value,
    /// The template of ours that it is the copy of.
    pub template: Option<i64>,
}

/// A part of the list, newest first, of these states only, if any are named.
pub async fn list(
    connection: &mut AsyncPgConnection,
    states: &[TemplateState],
    offset: i64,
    limit: i64,
) -> Result<Vec<WhatsappTemplateRow>, DbError> {
    let mut query = whatsapp_templates::table.select(WhatsappTemplateRow::as_select()).into_boxed();
    if !states.is_empty() {
        query = query.filter(whatsapp_templates::status.eq_any(names(states)));
    }
    Ok(query.order(whatsapp_templates::id.desc()).offset(offset).limit(limit).load(connection).await?)
}

/// How many there are, counted to `cap` at most.
pub async fn count(connection: &mut AsyncPgConnection, states: &[TemplateState], cap: i64) -> Result<i64, DbError> {
    let text = "SELECT count(*) AS count FROM (SELECT 1 FROM whatsapp_templates \
                WHERE cardinality($1) = 0 OR status = ANY ($1) LIMIT $2) AS counted";
    let counted: crate::Count =
        sql(text).bind::<Array<Text>, _>(names(states)).bind::<BigInt, _>(cap).get_result(connection).await?;
    Ok(counted.count)
}

/// One template.
pub async fn get(
    connection: &mut AsyncPgConnection,
    id: WhatsappTemplateId,
) -> Result<Option<WhatsappTemplateRow>, DbError> {
    let found = whatsapp_templates::table.find(id.0).select(WhatsappTemplateRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// One template, held until the transaction ends.
pub async fn hold(
    connection: &mut AsyncPgConnection,
    id: WhatsappTemplateId,
) -> Result<Option<WhatsappTemplateRow>, DbError> {
    let held = whatsapp_templates::table.find(id.0).select(WhatsappTemplateRow::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// Writes a draft; `None`: there is one of that name and language.
pub async fn create(
    connection: &mut AsyncPgConnection,
    text: &WhatsappTemplateText<'_>,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Option<WhatsappTemplateId>, DbError> {
    let id = diesel::insert_into(whatsapp_templates::table)
        .values((
            whatsapp_templates::name.eq(text.name),
            whatsapp_templates::category.eq(text.category.as_str()),
            whatsapp_templates::language.eq(text.language),
            whatsapp_templates::status.eq(TemplateState::Draft.as_str()),
            whatsapp_templates::template_data.eq(text.data),
            whatsapp_templates::template_id.eq(text.template),
            whatsapp_templates::created_by.eq(by.0),
            whatsapp_templates::created_at.eq(now),
            whatsapp_templates::updated_at.eq(now),
        ))
        .on_conflict((whatsapp_templates::name, whatsapp_templates::language))
        .do_nothing()
        .returning(whatsapp_templates::id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(id.map(WhatsappTemplateId))
}

/// Changes a template, which is a draft then; `false`: there is another of that name and language.
pub async fn update(
    connection: &mut AsyncPgConnection,
    id: WhatsappTemplateId,
    text: &WhatsappTemplateText<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed =
        sql("UPDATE whatsapp_templates AS t SET name = $2, category = $3, language = $4, template_data = $5, \
             template_id = $6, status = 'draft', updated_at = $7 \
         WHERE id = $1 AND NOT EXISTS (SELECT FROM whatsapp_templates AS o \
             WHERE o.name = $2 AND o.language = $4 AND o.id <> t.id)")
        .bind::<BigInt, _>(id.0)
        .bind::<Text, _>(text.name)
        .bind::<Text, _>(text.category.as_str())
        .bind::<Text, _>(text.language)
        .bind::<Jsonb, _>(text.data)
        .bind::<Nullable<BigInt>, _>(text.template)
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// A template is on its way to the provider.
pub async fn begin_submission(
    connection: &mut AsyncPgConnection,
    id: WhatsappTemplateId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    diesel::update(whatsapp_templates::table.find(id.0))
        .set((
            whatsapp_templates::status.eq(TemplateState::Pending.as_str()),
            whatsapp_templates::rejected_reason.eq(None::<String>),
            whatsapp_templates::submitted_at.eq(now),
            whatsapp_templates::updated_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// What came of handing a template in.
#[derive(Debug, Clone)]
pub struct Submission<'a> {
    /// Where it stands now.
    pub state: TemplateState,
    /// What the provider takes it for, if it says.
    pub category: Option<TemplateCategory>,
    /// The provider's id of it, if it has one.
    pub provider_template_id: Option<&'a str>,
    /// The sending account it belongs to.
    pub account: Option<&'a str>,
    /// Why it was not taken.
    pub reason: Option<&'a str>,
}

/// Records what came of handing a template in.
pub async fn end_submission(
    connection: &mut AsyncPgConnection,
    id: WhatsappTemplateId,
    submission: &Submission<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("UPDATE whatsapp_templates SET status = $2, category = coalesce($3, category), \
             provider_template_id = coalesce($4, provider_template_id), account = coalesce($5, account), \
             rejected_reason = left($6, 255), updated_at = $7, \
             approved_at = CASE WHEN $2 = 'approved' THEN coalesce(approved_at, $7) ELSE approved_at END \
         WHERE id = $1")
    .bind::<BigInt, _>(id.0)
    .bind::<Text, _>(submission.state.as_str())
    .bind::<Nullable<Text>, _>(submission.category.map(TemplateCategory::as_str))
    .bind::<Nullable<Text>, _>(submission.provider_template_id)
    .bind::<Nullable<Text>, _>(submission.account)
    .bind::<Nullable<Text>, _>(submission.reason)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a template.
pub async fn delete(connection: &mut AsyncPgConnection, id: WhatsappTemplateId) -> Result<(), DbError> {
    diesel::delete(whatsapp_templates::table.find(id.0)).execute(connection).await?;
    Ok(())
}

/// A template as the provider has it.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The provider's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Where it stands.
    pub state: TemplateState,
    /// What the provider takes it for.
    pub category: TemplateCategory,
    /// How recipients take it.
    pub quality: Option<String>,
    /// Why it was refused.
    pub rejected_reason: Option<String>,
    /// `{"components": […]}`.
    pub data: Value,
}

/// Takes over what the provider says; templates that were written elsewhere are added. What was changed here and not
/// handed in since stays a draft. Answers how many stand differently now.
pub async fn sync(
    connection: &mut AsyncPgConnection,
    account: &str,
    remotes: &[Remote],
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    fn column<'a, T>(remotes: &'a [Remote], of: impl Fn(&'a Remote) -> T) -> Vec<T> {
        remotes.iter().map(of).collect()
    }
    let text = "WITH given AS ( \
             SELECT DISTINCT ON (name, language) * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10) \
                 AS g (provider_id, name, language, status, category, quality, reason, data) ORDER BY name, language), \
         before AS (SELECT t.id, t.status, t.category, t.quality FROM whatsapp_templates AS t JOIN given AS g USING (name, language)), \
         written AS ( \
             INSERT INTO whatsapp_templates AS t (name, language, status, category, quality, rejected_reason, template_data, \
                 provider_template_id, account, approved_at, synced_at, created_at, updated_at) \
             SELECT name, language, status, category, quality, reason, data, provider_id, $1, \
                 CASE WHEN status = 'approved' THEN $2 END, $2, $2, $2 FROM given \
             ON CONFLICT (name, language) DO UPDATE SET \
                 status = CASE WHEN t.status = 'draft' THEN t.status ELSE excluded.status END, \
                 category = CASE WHEN t.status = 'draft' THEN t.category ELSE excluded.category END, \
                 quality = excluded.quality, \
                 rejected_reason = CASE WHEN t.status = 'draft' THEN t.rejected_reason ELSE excluded.rejected_reason END, \
                 provider_template_id = excluded.provider_template_id, account = $1, synced_at = $2, \
                 approved_at = coalesce(t.approved_at, excluded.approved_at), \
                 updated_at = CASE WHEN t.status = excluded.status AND t.category = excluded.category THEN t.updated_at ELSE $2 END \
             RETURNING t.id, t.status, t.category, t.quality) \
         SELECT count(*) AS count FROM written AS w LEFT JOIN before AS b USING (id) \
          WHERE (w.status, w.category, w.quality) IS DISTINCT FROM (b.status, b.category, b.quality)";
    let changed: crate::Count = sql(text)
        .bind::<Text, _>(account)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Text>, _>(column(remotes, |remote| remote.id.as_str()))
        .bind::<Array<Text>, _>(column(remotes, |remote| remote.name.as_str()))
        .bind::<Array<Text>, _>(column(remotes, |remote| remote.language.as_str()))
        .bind::<Array<Text>, _>(column(remotes, |remote| remote.state.as_str()))
        .bind::<Array<Text>, _>(column(remotes, |remote| remote.category.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(remotes, |remote| remote.quality.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(remotes, |remote| remote.rejected_reason.as_deref()))
        .bind::<Array<Jsonb>, _>(column(remotes, |remote| &remote.data))
        .get_result(connection)
        .await?;
    Ok(usize::try_from(changed.count).unwrap_or_default())
}

fn names(states: &[TemplateState]) -> Vec<&'static str> {
    states.iter().map(|state| state.as_str()).collect()
}
