//! What messages say, pinned: the versions of a template, each in one language or several. A version never changes.

use crate::{DbError, sql::sql};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{TemplateId, UserId},
    messaging::{Channel, Purpose},
};
use serde_json::Value;

/// One version of a template in one language.
#[derive(Debug, Clone, QueryableByName)]
pub struct TemplateVersion {
    /// What messages are pinned to.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The template.
    #[diesel(sql_type = BigInt)]
    pub template_id: i64,
    /// From 1.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// What people call the template.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// A name of [`Channel`].
    #[diesel(sql_type = Text)]
    pub template_type: String,
    /// A name of [`Purpose`].
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// What it is about, for people who want some topics only.
    #[diesel(sql_type = Nullable<Text>)]
    pub topic: Option<String>,
    /// Whether opens and clicks are watched.
    #[diesel(sql_type = Bool)]
    pub tracked: bool,
    /// Whether the template may be used.
    #[diesel(sql_type = Bool)]
    pub is_active: bool,
    /// Such as `en` or `en_US`.
    #[diesel(sql_type = Text)]
    pub language: String,
    /// It stands in for languages without a variant.
    #[diesel(sql_type = Bool)]
    pub is_fallback: bool,
    /// Emails only.
    #[diesel(sql_type = Nullable<Text>)]
    pub subject: Option<String>,
    /// With variables.
    #[diesel(sql_type = Text)]
    pub content: String,
    /// `text` or `html`.
    #[diesel(sql_type = Text)]
    pub format: String,
    /// What the provider calls its approved copy.
    #[diesel(sql_type = Nullable<Text>)]
    pub provider_name: Option<String>,
    /// Header, buttons and media of a WhatsApp template; registration and sender of an SMS.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub extras: Option<Value>,
}

impl TemplateVersion {
    /// The channel it is for.
    pub fn channel(&self) -> Result<Channel, DbError> {
        self.template_type.parse().map_err(|_| DbError::Unknown { table: "templates", column: "template_type" })
    }

    /// What it is for.
    pub fn purpose(&self) -> Result<Purpose, DbError> {
        self.purpose.parse().map_err(|_| DbError::Unknown { table: "templates", column: "purpose" })
    }

    /// Whether its content is a page.
    pub fn is_html(&self) -> bool {
        self.format == "html"
    }
}

/// The same text in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Such as `hi` or `en_US`.
    pub language: String,
    /// Emails only.
    pub subject: Option<String>,
    /// With variables.
    pub content: String,
    /// What goes with it, when not what goes with the template.
    pub extras: Option<Value>,
}

/// The columns of [`TemplateVersion`], over versions `v` and templates `t`.
pub(crate) const SELECT: &str = "\
    SELECT v.id, v.template_id, v.version, t.name, t.template_type, t.purpose, t.topic, t.tracked, t.is_active, \
        v.language, v.is_fallback, v.subject, v.content, v.format, v.provider_name, v.extras \
    FROM template_versions v JOIN templates t ON t.id = v.template_id";

/// All languages of one version, the fallback first; of the newest when none is named.
pub async fn of_template(
    connection: &mut AsyncPgConnection,
    template: i64,
    version: Option<i32>,
) -> Result<Vec<TemplateVersion>, DbError> {
    let query = format!(
        "{SELECT} WHERE v.template_id = $1 AND v.version = COALESCE($2, t.version) ORDER BY v.is_fallback DESC, v.id"
    );
    Ok(sql_query(query).bind::<BigInt, _>(template).bind::<Nullable<Integer>, _>(version).load(connection).await?)
}

/// What a message is pinned to, if it fills in a template.
pub async fn of_message(connection: &mut AsyncPgConnection, message: i64) -> Result<Vec<TemplateVersion>, DbError> {
    let query = format!("{SELECT} WHERE v.id = (SELECT template_version_id FROM messages WHERE id = $1)");
    Ok(sql_query(query).bind::<BigInt, _>(message).load(connection).await?)
}

/// Writes the template's text as it stands, and its variants, as its current version.
pub async fn record(
    connection: &mut AsyncPgConnection,
    template: TemplateId,
    variants: &[Variant],
    by: Option<UserId>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sql("INSERT INTO template_versions \
            (template_id, version, language, is_fallback, subject, content, format, variables, provider_name, extras, \
             created_by, created_at) \
         SELECT t.id, t.version, x.language, x.is_fallback, x.subject, x.content, t.format, t.variables, \
             t.provider_name, COALESCE(x.extras, t.extras), $5, $6 \
         FROM templates t CROSS JOIN LATERAL ( \
             SELECT t.language, TRUE AS is_fallback, t.subject, t.content, t.extras \
             UNION ALL SELECT v.language, FALSE, v.subject, v.content, v.extras \
             FROM unnest($2, $3, $4, $7) AS v (language, subject, content, extras) WHERE v.language <> t.language) AS x \
         WHERE t.id = $1")
    .bind::<BigInt, _>(template.0)
    .bind::<Array<Text>, _>(variants.iter().map(|variant| variant.language.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(variants.iter().map(|variant| variant.subject.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(variants.iter().map(|variant| variant.content.as_str()).collect::<Vec<_>>())
    .bind::<Nullable<BigInt>, _>(by.map(|user| user.0))
    .bind::<Timestamptz, _>(at)
    .bind::<Array<Nullable<Jsonb>>, _>(variants.iter().map(|variant| variant.extras.as_ref()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
