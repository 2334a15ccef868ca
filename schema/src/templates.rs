//! What messages say.

use crate::{
    DbError,
    tables::templates,
    template_versions::{self, Variant},
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{TemplateId, UserId},
    messaging::{Channel, Purpose},
};

/// A template as it is kept.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = templates)]
pub struct TemplateRow {
    /// Its id.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// A channel's name.
    pub template_type: String,
    /// Emails only.
    pub subject: Option<String>,
    /// With variables.
    pub content: String,
    /// A list of names.
    pub variables: serde_json::Value,
    /// What the provider calls it.
    pub provider_name: Option<String>,
    /// Such as `en` or `en_US`.
    pub language: String,
    /// Whether it may be used.
    pub is_active: bool,
    /// Who wrote it.
    pub created_by: Option<i64>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// What it is for.
    pub purpose: String,
    /// What it is about.
    pub topic: Option<String>,
    /// `text` or `html`.
    pub format: String,
    /// Whether opens and clicks are watched.
    pub tracked: bool,
    /// Header, buttons and media of a WhatsApp template; registration and sender of an SMS.
    pub extras: Option<serde_json::Value>,
    /// Which version it is, from 1.
    pub version: i32,
}

impl TemplateRow {
    /// What it is for.
    pub fn purpose(&self) -> Result<Purpose, DbError> {
        self.purpose.parse().map_err(|_| DbError::Unknown { table: "templates", column: "purpose" })
    }

    /// The channel it is for.
    pub fn channel(&self) -> Result<Channel, DbError> {
        self.template_type.parse().map_err(|_| DbError::Unknown { table: "templates", column: "template_type" })
    }
}

/// What is written about a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText<'a> {
    /// What people call it.
    pub name: &'a str,
    /// The channel it is for.
    pub channel: Channel,
    /// Emails only.
    pub subject: Option<&'a str>,
    /// With variables.
    pub content: &'a str,
    /// Names of the variables.
    pub variables: &'a [String],
    /// What the provider calls it.
    pub provider_name: Option<&'a str>,
    /// Such as `en` or `en_US`.
    pub language: &'a str,
    /// Whether it may be used.
    pub is_active: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is about.
    pub topic: Option<&'a str>,
    /// Its content is a page.
    pub is_html: bool,
    /// Whether opens and clicks are watched.
    pub tracked: bool,
    /// Header, buttons and media of a WhatsApp template; registration and sender of an SMS.
    pub extras: Option<&'a serde_json::Value>,
    /// The same text in other languages.
    pub variants: &'a [Variant],
}

/// Which templates are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of these channels; empty: of any.
    pub channels: Vec<Channel>,
    /// Whether they may be used.
    pub active: Option<bool>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateKey {
    /// When it was written.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// Its name.
    Name,
}

impl TemplateKey {
    /// All keys.
    pub const ALL: [Self; 3] = [Self::CreatedAt, Self::UpdatedAt, Self::Name];

    /// Its name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::Name => "name",
        }
    }
}

/// A part of the list.
pub async fn list(
    connection: &mut AsyncPgConnection,
    filter: &Filter,
    by: TemplateKey,
    descending: bool,
    offset: i64,
    limit: i64,
) -> Result<Vec<TemplateRow>, DbError> {
    let mut query = templates::table.select(TemplateRow::as_select()).into_boxed();
    if !filter.channels.is_empty() {
        query = query.filter(templates::template_type.eq_any(names(&filter.channels)));
    }
    if let Some(active) = filter.active {
        query = query.filter(templates::is_active.eq(active));
    }
    // ids grow with the time of writing
    query = match (by, descending) {
        (TemplateKey::CreatedAt, true) => query.order(templates::id.desc()),
        (TemplateKey::CreatedAt, false) => query.order(templates::id.asc()),
        (TemplateKey::UpdatedAt, true) => query.order((templates::updated_at.desc(), templates::id.desc())),
        (TemplateKey::UpdatedAt, false) => query.order((templates::updated_at.asc(), templates::id.asc())),
        (TemplateKey::Name, true) => query.order((templates::name.desc(), templates::id.desc())),
        (TemplateKey::Name, false) => query.order((templates::name.asc(), templates::id.asc())),
    };
    Ok(query.offset(offset).limit(limit).load(connection).await?)
}

/// How many there are, counted to `cap` at most.
pub async fn count(connection: &mut AsyncPgConnection, filter: &Filter, cap: i64) -> Result<i64, DbError> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted: Counted = diesel::sql_query(
        "SELECT count(*) FROM (
             SELECT 1 FROM templates
              WHERE (cardinality($1) = 0 OR template_type = ANY($1)) AND ($2 IS NULL OR is_active = $2)
              LIMIT $3) AS counted",
    )
    .bind::<Array<Text>, _>(names(&filter.channels))
    .bind::<Nullable<Bool>, _>(filter.active)
    .bind::<BigInt, _>(cap)
    .get_result(connection)
    .await?;
    Ok(counted.count)
}

/// One template.
pub async fn get(connection: &mut AsyncPgConnection, id: TemplateId) -> Result<Option<TemplateRow>, DbError> {
    let found = templates::table.find(id.0).select(TemplateRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// The active template of a channel that goes by that name, here or at the provider; of several the newest.
pub async fn named(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    name: &str,
) -> Result<Option<TemplateRow>, DbError> {
    let found = templates::table
        .filter(templates::template_type.eq(channel.as_str()).and(templates::is_active.eq(true)))
        .filter(templates::provider_name.eq(name).or(templates::name.eq(name)))
        .order((templates::provider_name.eq(name).desc().nulls_last(), templates::id.desc()))
        .select(TemplateRow::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// One template, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: TemplateId) -> Result<Option<TemplateRow>, DbError> {
    let held = templates::table.find(id.0).select(TemplateRow::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// Adds a template.
pub async fn create(
    connection: &mut AsyncPgConnection,
    text: &TemplateText<'_>,
    by: UserId,
    at: DateTime<Utc>,
) -> Result<TemplateId, DbError> {
    let id = diesel::insert_into(templates::table)
        .values((
            written(text),
            templates::created_by.eq(by.0),
            templates::created_at.eq(at),
            templates::updated_at.eq(at),
        ))
        .returning(templates::id)
        .get_result(connection)
        .await?;
    template_versions::record(connection, TemplateId(id), text.variants, Some(by), at).await?;
    Ok(TemplateId(id))
}

/// Changes a template, which is a new version of it; false: there is none.
pub async fn update(
    connection: &mut AsyncPgConnection,
    id: TemplateId,
    text: &TemplateText<'_>,
    by: UserId,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let change = (written(text), templates::updated_at.eq(at), templates::version.eq(templates::version + 1));
    if diesel::update(templates::table.find(id.0)).set(change).execute(connection).await? == 0 {
        return Ok(false);
    }
    template_versions::record(connection, id, text.variants, Some(by), at).await?;
    Ok(true)
}

/// Retires a template; false: there is none.
pub async fn deactivate(
    connection: &mut AsyncPgConnection,
    id: TemplateId,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let change = (templates::is_active.eq(false), templates::updated_at.eq(at));
    Ok(diesel::update(templates::table.find(id.0)).set(change).execute(connection).await? > 0)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn written<'a>(text: &'a TemplateText<'a>) -> _ {
    let (name, kind, content): (&'a str, &'a str, &'a str) = (text.name, text.channel.as_str(), text.content);
    let (subject, provider_name): (Option<&'a str>, Option<&'a str>) = (text.subject, text.provider_name);
    let variables: serde_json::Value = serde_json::json!(text.variables);
    let (language, is_active): (&'a str, bool) = (text.language, text.is_active);
    let (purpose, topic): (&'a str, Option<&'a str>) = (text.purpose.as_str(), text.topic);
    let (format, tracked): (&'a str, bool) = (if text.is_html { "html" } else { "text" }, text.tracked);
    let extras: Option<&'a serde_json::Value> = text.extras;
    (
        templates::name.eq(name),
        templates::template_type.eq(kind),
        templates::subject.eq(subject),
        templates::content.eq(content),
        templates::variables.eq(variables),
        templates::provider_name.eq(provider_name),
        templates::language.eq(language),
        templates::is_active.eq(is_active),
        templates::purpose.eq(purpose),
        templates::topic.eq(topic),
        templates::format.eq(format),
        templates::tracked.eq(tracked),
        templates::extras.eq(extras),
    )
}

fn names(channels: &[Channel]) -> Vec<&'static str> {
    channels.iter().map(|channel| channel.as_str()).collect()
}
