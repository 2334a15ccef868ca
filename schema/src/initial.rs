//! What an installation starts with. Every statement leaves alone what is there, so that loading again changes nothing
//! that people have changed since.

use crate::DbError;
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::BranchId;
use serde_json::Value;

/// Held while loading; any constant of our own will do.
const LOCK: i64 = 0x69_6e69_7469_616c;

/// A message template.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// As people call it.
    pub name: &'static str,
    /// The channel's wire name.
    pub channel: &'static str,
    /// Of an email.
    pub subject: Option<&'static str>,
    /// With variables in braces.
    pub content: &'static str,
    /// The list of variables.
    pub variables: Value,
    /// The approved template's name at the provider.
    pub provider_name: Option<&'static str>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Makes other loaders wait until this transaction ends.
pub async fn lock(connection: &mut AsyncPgConnection) -> Result<(), DbError> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(connection).await?;
    Ok(())
}

/// Whether anybody can sign in yet.
pub async fn has_users(connection: &mut AsyncPgConnection) -> Result<bool, DbError> {
    let found: Answer =
        diesel::sql_query("SELECT EXISTS (SELECT 1 FROM users) AS answer").get_result(connection).await?;
    Ok(found.answer)
}

/// The office that was there first, made if there is none.
pub async fn first_branch(
    connection: &mut AsyncPgConnection,
    code: &str,
    name: &str,
    time_zone: &str,
) -> Result<BranchId, DbError> {
    #[derive(QueryableByName)]
    struct First {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    const FIRST: &str = "\
        WITH added AS ( \
            INSERT INTO branches (code, name, time_zone) \
            SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM branches) RETURNING id \
        ) SELECT id FROM added UNION ALL (SELECT id FROM branches ORDER BY id LIMIT 1) LIMIT 1";
    let first: First = diesel::sql_query(FIRST)
        .bind::<Text, _>(code)
        .bind::<Text, _>(name)
        .bind::<Text, _>(time_zone)
        .get_result(connection)
        .await?;
    Ok(BranchId(first.id))
}

/// Adds the sample templates if there is no template at all.
pub async fn add_first_templates(
    connection: &mut AsyncPgConnection,
    templates: &[NewTemplate],
) -> Result<usize, DbError> {
    const ADD: &str = "\
        WITH added AS ( \
            INSERT INTO templates (name, template_type, subject, content, variables, provider_name) \
            SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::JSONB[], $6::TEXT[]) \
            WHERE NOT EXISTS (SELECT 1 FROM templates) RETURNING * \
        ) \
        INSERT INTO template_versions \
            (template_id, version, language, is_fallback, subject, content, format, variables, provider_name) \
        SELECT id, version, language, TRUE, subject, content, format, variables, provider_name FROM added";
    Ok(diesel::sql_query(ADD)
        .bind::<Array<Text>, _>(templates.iter().map(|template| template.name).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(templates.iter().map(|template| template.channel).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(templates.iter().map(|template| template.subject).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(templates.iter().map(|template| template.content).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(templates.iter().map(|template| &template.variables).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(templates.iter().map(|template| template.provider_name).collect::<Vec<_>>())
        .execute(connection)
        .await?)
}
