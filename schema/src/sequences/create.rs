//! Writing ladders.

use crate::{DbError, tables::campaigns};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::{Audience, CampaignStatus, sequence::Step},
    permissions::Reach,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A ladder to be.
#[derive(Debug, Clone)]
pub struct NewSequence {
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// For finding it.
    pub tags: Vec<String>,
    /// Its steps, at least one.
    pub steps: Vec<Step>,
    /// The most messages that a policy gets, over all channels.
    pub max_messages: Option<i16>,
    /// Whom it addresses.
    pub audience: Audience,
    /// The upload whose policies it addresses; `None`: the whole book.
    pub upload_id: Option<i64>,
    /// The IANA zone its days are counted in.
    pub time_zone: String,
    /// Newcomers are looked for until then.
    pub enrol_until: Option<DateTime<Utc>>,
    /// The share of people, in percent, who get nothing, so that it can be told what it brings about.
    pub holdout_percent: Option<u8>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// What they reach: whom it can address.
    pub reach: Reach,
}

/// Writes it as a draft, without its steps; answers its id.
pub async fn insert(connection: &mut AsyncPgConnection, new: &NewSequence, now: DateTime<Utc>) -> Result<i64, DbError> {
    let audience = serde_json::to_value(&new.audience)
        .map_err(|error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error))))?;
    let channel = new.steps.as_slice().first().map(|step| step.channel.as_str());
    let mut plan = serde_json::Map::new();
    plan.extend(new.max_messages.map(|most| ("maxMessages".to_owned(), json!(most))));
    plan.extend(new.holdout_percent.map(|percent| ("holdoutPercent".to_owned(), json!(percent))));
    Ok(diesel::insert_into(campaigns::table)
        .values((
            campaigns::group_id.eq(Uuid::now_v7()),
            campaigns::name.eq(&new.name),
            campaigns::description.eq(&new.description),
            campaigns::campaign_type.eq(channel.unwrap_or_default()),
            campaigns::status.eq(CampaignStatus::Draft.as_str()),
            campaigns::mode.eq("sequence"),
            campaigns::upload_id.eq(new.upload_id),
            campaigns::target_audience_filter.eq(audience),
            campaigns::plan.eq(Value::Object(plan)),
            campaigns::tags.eq(new.tags.iter().map(|tag| Some(tag.as_str())).collect::<Vec<_>>()),
            campaigns::time_zone.eq(&new.time_zone),
            campaigns::enrol_until.eq(new.enrol_until),
            campaigns::created_by.eq(new.created_by),
            campaigns::scope.eq(new.reach.scope().as_str()),
            campaigns::branch_id.eq(new.reach.branch().map(|branch| branch.0)),
            campaigns::created_at.eq(now),
            campaigns::updated_at.eq(now),
        ))
        .returning(campaigns::id)
        .get_result(connection)
        .await?)
}

/// Has a draft go where it begins: `preparing`, or `awaiting_approval` with a second person's word pending.
pub async fn launch(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    to: CampaignStatus,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed = sql_query(
        "UPDATE campaigns SET status = $2, updated_at = $3, \
             approval = CASE WHEN $2 = 'awaiting_approval' THEN 'pending' ELSE approval END \
         WHERE id = $1 AND mode = 'sequence' AND status = 'draft'",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Text, _>(to.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(changed == 1)
}

/// What is said of a draft beside its steps.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// Shown to people; `None`: as it was, as all that follows up to the target.
    pub name: Option<String>,
    /// Shown to people.
    pub description: Option<String>,
    /// For finding it.
    pub tags: Option<Vec<String>>,
    /// Whom it addresses.
    pub audience: Option<Audience>,
    /// The most messages that a policy gets, over all channels.
    pub max_messages: Option<i16>,
    /// The share of people, in percent, who get nothing.
    pub holdout_percent: Option<u8>,
    /// Newcomers are looked for until then.
    pub enrol_until: Option<DateTime<Utc>>,
    /// Who writes it.
    pub writer: i64,
    /// What they reach: whom it can address from now on.
    pub reach: Reach,
}

/// Holds a ladder that is a draft until the caller's transaction ends, and changes what is said beside its steps.
/// `false`: it is no draft any more, or no ladder.
pub async fn change(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    to: &Drafted,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let audience = to.audience.as_ref().map(serde_json::to_value).transpose();
    let audience =
        audience.map_err(|error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error))))?;
    let changed = sql_query(
        "UPDATE campaigns SET updated_at = $2, enrol_until = $3, name = COALESCE($6, name), \
             description = COALESCE($7, description), tags = COALESCE($8, tags), \
             target_audience_filter = COALESCE($9, target_audience_filter), written_by = $10, scope = $11, \
             branch_id = $12, \
             plan = plan - 'maxMessages' - 'holdoutPercent' || jsonb_strip_nulls(jsonb_build_object( \
                 'maxMessages', $4::INTEGER, 'holdoutPercent', $5::INTEGER)) \
         WHERE id = $1 AND mode = 'sequence' AND status = 'draft'",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Timestamptz>, _>(to.enrol_until)
    .bind::<Nullable<Integer>, _>(to.max_messages.map(i32::from))
    .bind::<Nullable<Integer>, _>(to.holdout_percent.map(i32::from))
    .bind::<Nullable<Text>, _>(to.name.as_deref())
    .bind::<Nullable<Text>, _>(to.description.as_deref())
    .bind::<Nullable<Array<Text>>, _>(to.tags.as_ref())
    .bind::<Nullable<Jsonb>, _>(audience)
    .bind::<BigInt, _>(to.writer)
    .bind::<Text, _>(to.reach.scope().as_str())
    .bind::<Nullable<BigInt>, _>(to.reach.branch().map(|branch| branch.0))
    .execute(connection)
    .await?;
    Ok(changed == 1)
}
