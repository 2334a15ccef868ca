//! Writing ladders.

use crate::{DbError, tables::campaigns};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    campaigns::{Audience, CampaignStatus, sequence::Step},
    permissions::Reach,
};
use serde_json::json;
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
    /// Not yet to begin.
    pub draft: bool,
    /// How many it will reach, if that could be told quickly.
    pub estimate: Option<i64>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// What they reach: whom it can address.
    pub reach: Reach,
}

/// Writes it without its steps, `draft` or `preparing`; answers its id.
pub async fn insert(connection: &mut AsyncPgConnection, new: &NewSequence, now: DateTime<Utc>) -> Result<i64, DbError> {
    let audience = serde_json::to_value(&new.audience)
        .map_err(|error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error))))?;
    let status = if new.draft { CampaignStatus::Draft } else { CampaignStatus::Preparing };
    let channel = new.steps.as_slice().first().map(|step| step.channel.as_str());
    let plan = match new.max_messages {
        Some(most) => json!({"maxMessages": most}),
        None => json!({}),
    };
    Ok(diesel::insert_into(campaigns::table)
        .values((
            campaigns::group_id.eq(Uuid::now_v7()),
            campaigns::name.eq(&new.name),
            campaigns::description.eq(&new.description),
            campaigns::campaign_type.eq(channel.unwrap_or_default()),
            campaigns::status.eq(status.as_str()),
            campaigns::mode.eq("sequence"),
            campaigns::upload_id.eq(new.upload_id),
            campaigns::target_audience_filter.eq(audience),
            campaigns::plan.eq(plan),
            campaigns::tags.eq(new.tags.iter().map(|tag| Some(tag.as_str())).collect::<Vec<_>>()),
            campaigns::metrics.eq(new.estimate.map(|count| json!({"estimate": count}))),
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

/// Holds a ladder that is a draft until the caller's transaction ends, and changes what is said beside its steps.
/// `false`: it is no draft any more, or no ladder.
pub async fn change(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    max_messages: Option<i16>,
    enrol_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed = sql_query(
        "UPDATE campaigns SET updated_at = $2, enrol_until = $3, \
             plan = CASE WHEN $4::INTEGER IS NULL THEN plan - 'maxMessages' \
                         ELSE jsonb_set(plan, '{maxMessages}', to_jsonb($4::INTEGER)) END \
         WHERE id = $1 AND mode = 'sequence' AND status = 'draft'",
    )
    .bind::<BigInt, _>(campaign)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Timestamptz>, _>(enrol_until)
    .bind::<Nullable<Integer>, _>(max_messages.map(i32::from))
    .execute(connection)
    .await?;
    Ok(changed == 1)
}
