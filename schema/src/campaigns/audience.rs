//! A campaign's audience: one statement writes a message for everybody who is to get one, and an exclusion with its
//! reason for everybody who is not.
//!
//! The statement takes no lock on the campaign while it works, so a person can stop the campaign meanwhile; whether it
//! was stopped is seen at the end, before anything is committed.

use super::target::{BINDS, Target};
use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::campaigns::{CampaignStatus, ExclusionReason};
use domain::messaging::Purpose;

/// How long the statement may take: a million policies take about a minute.
const TIMEOUT: &str = "30min";
/// Memory for its sorts and hashes.
const WORK_MEM: &str = "64MB";

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Built {
    /// Messages.
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    /// Exclusions.
    #[diesel(sql_type = BigInt)]
    pub exclusions: i64,
}

/// What its messages say: one version of a template, in the languages it has.
#[derive(Debug, Clone, Copy)]
pub struct Pinned<'a> {
    /// The template.
    pub template: i64,
    /// The variant for languages without one.
    pub fallback: i64,
    /// Languages, such as `hi` or `en_US`, and their variants.
    pub variants: &'a [(&'a str, i64)],
    /// What they are for.
    pub purpose: Purpose,
    /// What they are about.
    pub topic: Option<&'a str>,
}

/// Writes the audience inside the caller's transaction. `None`: the campaign no longer wants one (it was stopped, or
/// another run has written it), and the caller rolls back.
pub async fn build(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    text: &Pinned<'_>,
    target: &Target,
    now: DateTime<Utc>,
) -> Result<Option<Built>, DbError> {
    connection
        .batch_execute(&format!("SET LOCAL statement_timeout = '{TIMEOUT}'; SET LOCAL work_mem = '{WORK_MEM}'"))
        .await?;
    if !is_wanted(connection, campaign).await? {
        return Ok(None);
    }
    let [campaign_at, template_at, now_at, fallback_at, languages_at, versions_at, purpose_at, topic_at] =
        std::array::from_fn(|index| BINDS + 1 + index);
    let channel = target.channel;
    let duplicate = ExclusionReason::DuplicateAddress;
    let statement = format!(
        "WITH {target}, written AS ( \
            INSERT INTO messages (campaign_id, customer_id, policy_id, case_id, channel, template_id, address, due_at, \
                                  template_version_id, purpose, topic) \
            SELECT ${campaign_at}, customer_id, policy_id, case_id, '{channel}', ${template_at}, address, ${now_at}, \
                COALESCE((${versions_at}::BIGINT[])[array_position(${languages_at}::TEXT[], language)], \
                         (${versions_at}::BIGINT[])[array_position(${languages_at}::TEXT[], \
                             split_part(replace(language, '-', '_'), '_', 1))], \
                         ${fallback_at}), \
                ${purpose_at}, ${topic_at} \
            FROM ranked WHERE place = 1 \
        ), excluded AS ( \
            INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason) \
            SELECT ${campaign_at}, customer_id, policy_id, COALESCE(reason, '{duplicate}') \
            FROM ranked WHERE place IS DISTINCT FROM 1 \
        ) \
        SELECT count(*) FILTER (WHERE place = 1) AS messages, \
               count(*) FILTER (WHERE place IS DISTINCT FROM 1) AS exclusions \
        FROM ranked",
        target = target.ctes()
    );
    let built: Built = target
        .bind(sql_query(statement).into_boxed())
        .bind::<BigInt, _>(campaign)
        .bind::<BigInt, _>(text.template)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(text.fallback)
        .bind::<Array<Text>, _>(text.variants.iter().map(|(language, _)| language.to_string()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(text.variants.iter().map(|(_, version)| *version).collect::<Vec<_>>())
        .bind::<Text, _>(text.purpose.as_str())
        .bind::<Nullable<Text>, _>(text.topic.map(str::to_owned))
        .get_result(connection)
        .await?;
    Ok(claim(connection, campaign, built, now).await?.then_some(built))
}

/// The statuses in which an audience is still wanted.
fn wanted() -> Vec<&'static str> {
    [CampaignStatus::Preparing, CampaignStatus::Paused, CampaignStatus::Active].map(CampaignStatus::as_str).into()
}

#[derive(QueryableByName)]
struct Wanted {
    #[diesel(sql_type = Bool)]
    wanted: bool,
}

/// Whether an audience is still to be written: the cheap look before the costly statement.
async fn is_wanted(connection: &mut AsyncPgConnection, campaign: i64) -> Result<bool, DbError> {
    let row: Wanted = sql_query(
        "SELECT EXISTS (SELECT 1 FROM campaigns \
                        WHERE id = $1 AND target_count IS NULL AND NOT audience_ready AND status = ANY($2)) AS wanted",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<Text>, _>(wanted())
    .get_result(connection)
    .await?;
    Ok(row.wanted)
}

/// Records the audience as written, unless it was before or is no longer wanted.
async fn claim(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    built: Built,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let updated = sql_query(
        "UPDATE campaigns SET target_count = $2, excluded_count = $3, updated_at = $4 \
         WHERE id = $1 AND target_count IS NULL AND NOT audience_ready AND status = ANY($5)",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Integer, _>(i32::try_from(built.messages).unwrap_or(i32::MAX))
    .bind::<Integer, _>(i32::try_from(built.exclusions).unwrap_or(i32::MAX))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(wanted())
    .execute(connection)
    .await?;
    Ok(updated == 1)
}

#[derive(QueryableByName)]
struct Boundary {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Ranges of message ids, each of at most `size` messages of the campaign, as (after, up to and including).
pub async fn ranges(connection: &mut AsyncPgConnection, campaign: i64, size: i64) -> Result<Vec<(i64, i64)>, DbError> {
    let rows: Vec<Boundary> = sql_query(
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS total \
                         FROM messages WHERE campaign_id = $1) AS numbered \
         WHERE place % $2 = 0 OR place = total ORDER BY id",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<BigInt, _>(size)
    .load(connection)
    .await?;
    let mut after = 0;
    let range = |row: Boundary| (std::mem::replace(&mut after, row.id), row.id);
    Ok(rows.into_iter().map(range).collect())
}

/// Turns messages whose text cannot be written into exclusions: (message, reason, detail). Answers how many.
pub async fn exclude_unrenderable(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    failures: &[(i64, ExclusionReason, String)],
) -> Result<usize, DbError> {
    let ids: Vec<i64> = failures.iter().map(|(id, ..)| *id).collect();
    let reasons: Vec<&str> = failures.iter().map(|(_, reason, _)| reason.as_str()).collect();
    let details: Vec<&str> = failures.iter().map(|(.., detail)| detail.as_str()).collect();
    Ok(sql_query(
        "WITH gone AS ( \
            DELETE FROM messages m USING unnest($2, $3, $4) AS f (id, reason, detail) \
            WHERE m.id = f.id AND m.campaign_id = $1 AND m.status = 'pending' AND m.attempts = 0 \
            RETURNING m.customer_id, m.policy_id, f.reason, f.detail \
        ) \
        INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason, detail) \
        SELECT $1, customer_id, policy_id, reason, NULLIF(left(detail, 255), '') FROM gone",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Text>, _>(reasons)
    .bind::<Array<Text>, _>(details)
    .execute(connection)
    .await?)
}
