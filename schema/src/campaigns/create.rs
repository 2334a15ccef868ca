//! Writing campaigns: whole, anew while they are drafts, as copies, and away again.
//!
//! Only a draft is written anew or deleted; `false` says that it is none any more, which is never an error.

use super::variants::{self, NewVariant};
use crate::DbError;
use crate::tables::{campaigns, templates};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{Audience, CampaignStatus, Plan};
use domain::messaging::Channel;
use domain::money::Money;
use domain::permissions::Reach;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

/// When a campaign starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// As soon as its audience is written.
    Immediate,
    /// At that instant.
    At {
        /// The instant.
        at: DateTime<Utc>,
        /// Past this it asks instead of starting.
        latest: Option<DateTime<Utc>>,
    },
    /// Again and again, as its plan says; the first time then.
    Recurring {
        /// The first time.
        first: DateTime<Utc>,
    },
}

impl Schedule {
    /// The name in `schedule_type`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::At { .. } => "scheduled",
            Self::Recurring { .. } => "recurring",
        }
    }

    /// When it starts, if not at once.
    pub const fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Immediate => None,
            Self::At { at, .. } | Self::Recurring { first: at } => Some(*at),
        }
    }

    const fn latest(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::At { latest, .. } => *latest,
            Self::Immediate | Self::Recurring { .. } => None,
        }
    }
}

/// A campaign to be: one channel of a request.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// What the campaigns of one request share.
    pub group_id: Uuid,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// For people who look for it.
    pub tags: Vec<String>,
    /// How it goes out.
    pub channel: Channel,
    /// Where it stands as it is written.
    pub status: CampaignStatus,
    /// The upload whose policies it addresses; `None`: the whole book.
    pub upload_id: Option<i64>,
    /// What it says.
    pub template_id: i64,
    /// What is tried against what, in place of `template_id`.
    pub variants: Vec<NewVariant>,
    /// Whom it addresses.
    pub audience: Audience,
    /// What it may cost.
    pub budget: Option<Money>,
    /// When it starts.
    pub schedule: Schedule,
    /// How it goes out.
    pub plan: Plan,
    /// The IANA zone its days are counted in.
    pub time_zone: Option<String>,
    /// How many it will reach, if that could be told quickly.
    pub estimate: Option<i64>,
    /// Whether a second person has to agree.
    pub needs_approval: bool,
    /// Over the sandbox only.
    pub rehearsal: bool,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// What they reach: whom it can address.
    pub reach: Reach,
}

impl NewCampaign {
    /// One that is prepared at once, by nobody in particular, and has nothing else said about it.
    pub fn new(name: &str, channel: Channel, template_id: i64, audience: Audience) -> Self {
        Self {
            group_id: Uuid::now_v7(),
            name: name.to_owned(),
            description: None,
            tags: Vec::new(),
            channel,
            status: CampaignStatus::Preparing,
            upload_id: None,
            template_id,
            variants: Vec::new(),
            audience,
            budget: None,
            schedule: Schedule::Immediate,
            plan: Plan::default(),
            time_zone: None,
            estimate: None,
            needs_approval: false,
            rehearsal: false,
            created_by: None,
            reach: Reach::All,
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = campaigns, treat_none_as_null = true)]
struct Row<'a> {
    name: &'a str,
    description: Option<&'a str>,
    tags: Vec<Option<&'a str>>,
    campaign_type: &'a str,
    status: &'a str,
    upload_id: Option<i64>,
    template_id: i64,
    template_version: Option<i32>,
    target_audience_filter: Value,
    budget: Option<Decimal>,
    metrics: Option<Value>,
    schedule_type: &'a str,
    scheduled_at: Option<DateTime<Utc>>,
    latest_start: Option<DateTime<Utc>>,
    mode: &'a str,
    plan: Value,
    time_zone: Option<&'a str>,
    approval: Option<&'a str>,
    approval_by: Option<i64>,
    approval_at: Option<DateTime<Utc>>,
    approval_note: Option<&'a str>,
    rehearsal: bool,
    updated_at: DateTime<Utc>,
}

impl<'a> Row<'a> {
    async fn of(connection: &mut AsyncPgConnection, new: &'a NewCampaign, now: DateTime<Utc>) -> Result<Self, DbError> {
        let json = |error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error)));
        // pinned: what is changed about the template later is another version
        let version = templates::table.find(new.template_id).select(templates::version).first(connection).await;
        Ok(Self {
            name: &new.name,
            description: new.description.as_deref(),
            tags: new.tags.iter().map(|tag| Some(tag.as_str())).collect(),
            campaign_type: new.channel.as_str(),
            status: new.status.as_str(),
            upload_id: new.upload_id,
            template_id: new.template_id,
            template_version: version.optional()?,
            target_audience_filter: serde_json::to_value(&new.audience).map_err(json)?,
            budget: new.budget.map(Decimal::from),
            metrics: new.estimate.map(|count| serde_json::json!({"estimate": count})),
            schedule_type: new.schedule.name(),
            scheduled_at: new.schedule.at(),
            latest_start: new.schedule.latest(),
            mode: if matches!(new.schedule, Schedule::Recurring { .. }) { "recurring" } else { "once" },
            plan: serde_json::to_value(&new.plan).map_err(json)?,
            time_zone: new.time_zone.as_deref(),
            approval: new.needs_approval.then_some("pending"),
            approval_by: None,
            approval_at: None,
            approval_note: None,
            rehearsal: new.rehearsal,
            updated_at: now,
        })
    }
}

/// Writes it as it stands, with its variants; answers its id. Call it in a transaction.
pub async fn insert(connection: &mut AsyncPgConnection, new: &NewCampaign, now: DateTime<Utc>) -> Result<i64, DbError> {
    let row = Row::of(connection, new, now).await?;
    let id = diesel::insert_into(campaigns::table)
        .values((
            row,
            campaigns::group_id.eq(new.group_id),
            campaigns::created_by.eq(new.created_by),
            campaigns::scope.eq(new.reach.scope().as_str()),
            campaigns::branch_id.eq(new.reach.branch().map(|branch| branch.0)),
            campaigns::created_at.eq(now),
        ))
        .returning(campaigns::id)
        .get_result(connection)
        .await?;
    variants::replace(connection, id, &new.variants).await?;
    Ok(id)
}

/// Writes a draft anew that is no ladder; its group and its author stay, and it addresses whom its writer reaches. Call it
/// in a transaction.
pub async fn rewrite(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    new: &NewCampaign,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = Row::of(connection, new, now).await?;
    let draft = campaigns::id
        .eq(campaign)
        .and(campaigns::status.eq(CampaignStatus::Draft.as_str()))
        .and(campaigns::mode.ne("sequence"));
    let writer = new.created_by;
    let reach = (
        campaigns::written_by.eq(writer),
        campaigns::scope.eq(new.reach.scope().as_str()),
        campaigns::branch_id.eq(new.reach.branch().map(|branch| branch.0)),
    );
    let updated = diesel::update(campaigns::table.filter(draft)).set((row, reach)).execute(connection).await?;
    if updated == 1 {
        variants::replace(connection, campaign, &new.variants).await?;
    }
    Ok(updated == 1)
}

/// Deletes a draft.
pub async fn delete_draft(connection: &mut AsyncPgConnection, campaign: i64) -> Result<bool, DbError> {
    let draft = campaigns::id.eq(campaign).and(campaigns::status.eq(CampaignStatus::Draft.as_str()));
    Ok(diesel::delete(campaigns::table.filter(draft)).execute(connection).await? == 1)
}

/// A copy to be.
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// Of which campaign.
    pub of: i64,
    /// What it is called.
    pub name: &'a str,
    /// A rehearsal of it, which is being prepared; else a draft.
    pub rehearsal: bool,
    /// Of a recurring one, which time this is.
    pub occurrence: Option<DateTime<Utc>>,
    /// Who asked for it, and what they reach; `None`: whoever wrote the original.
    pub created_by: Option<(i64, Reach)>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Writes a copy with everything that was written about the original, and nothing that became of it; its texts are the
/// original's. `None`: it was there before, or there is no original. Call it in a transaction.
pub async fn copy(
    connection: &mut AsyncPgConnection,
    copy: &Copy<'_>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, DbError> {
    let status = match copy.rehearsal || copy.occurrence.is_some() {
        true => CampaignStatus::Preparing,
        false => CampaignStatus::Draft,
    };
    let row: Option<Id> = sql_query(
        "INSERT INTO campaigns (group_id, name, description, tags, campaign_type, status, upload_id, template_id, \
            template_version, target_audience_filter, content, budget, metrics, schedule_type, scheduled_at, time_zone, \
            mode, plan, enrol_until, rehearsal, parent_id, occurrence_at, approval, forecast, created_by, written_by, \
            scope, branch_id, created_at, updated_at) \
         SELECT CASE WHEN $4::TIMESTAMPTZ IS NULL THEN $7 ELSE c.group_id END, $2, c.description, c.tags, c.campaign_type, $3, \
            c.upload_id, c.template_id, c.template_version, c.target_audience_filter, c.content, c.budget, \
            CASE WHEN c.metrics ? 'estimate' THEN jsonb_build_object('estimate', c.metrics -> 'estimate') END, \
            CASE WHEN $3 = 'draft' AND c.schedule_type = 'recurring' THEN 'recurring' ELSE 'immediate' END, \
            CASE WHEN $3 = 'draft' AND c.schedule_type = 'recurring' THEN c.scheduled_at END, c.time_zone, \
            CASE WHEN $3 = 'draft' OR c.mode = 'sequence' THEN c.mode ELSE 'once' END, \
            CASE WHEN $3 = 'draft' THEN c.plan ELSE c.plan - 'recurrence' - 'day' END, \
            CASE WHEN NOT (c.rehearsal OR $5) THEN c.enrol_until END, c.rehearsal OR $5, \
            CASE WHEN $4 IS NOT NULL THEN c.id END, $4, \
            CASE WHEN $4 IS NOT NULL THEN c.approval END, CASE WHEN $4 IS NOT NULL THEN c.forecast END, \
            COALESCE($6, c.created_by), CASE WHEN $6 IS NULL THEN c.written_by END, \
            CASE WHEN $6 IS NULL THEN c.scope ELSE $9 END, CASE WHEN $6 IS NULL THEN c.branch_id ELSE $10 END, $8, $8 \
         FROM campaigns c WHERE c.id = $1 \
         ON CONFLICT (parent_id, occurrence_at) WHERE parent_id IS NOT NULL DO NOTHING \
         RETURNING id",
    )
    .bind::<BigInt, _>(copy.of)
    .bind::<Text, _>(copy.name)
    .bind::<Text, _>(status.as_str())
    .bind::<Nullable<Timestamptz>, _>(copy.occurrence)
    .bind::<diesel::sql_types::Bool, _>(copy.rehearsal)
    .bind::<Nullable<BigInt>, _>(copy.created_by.map(|(user, _)| user))
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Text>, _>(copy.created_by.map(|(_, reach)| reach.scope().as_str()))
    .bind::<Nullable<BigInt>, _>(copy.created_by.and_then(|(_, reach)| reach.branch()).map(|branch| branch.0))
    .get_result(connection)
    .await
    .optional()?;
    let Some(Id { id }) = row else { return Ok(None) };
    sql_query(
        "WITH variants AS ( \
            INSERT INTO campaign_variants \
                (campaign_id, label, weight, channel, template_id, template_version, subject, send_hour) \
            SELECT $2, label, weight, channel, template_id, template_version, subject, send_hour \
            FROM campaign_variants WHERE campaign_id = $1 ORDER BY id \
         ) \
         INSERT INTO campaign_steps (campaign_id, step, days, at_time, channel, template_id, template_version, condition, \
            fallback_channel, fallback_template_id, fallback_template_version, fallback_unless, fallback_hours) \
         SELECT $2, step, days, at_time, channel, template_id, template_version, condition, \
            fallback_channel, fallback_template_id, fallback_template_version, fallback_unless, fallback_hours \
         FROM campaign_steps WHERE campaign_id = $1",
    )
    .bind::<BigInt, _>(copy.of)
    .bind::<BigInt, _>(id)
    .execute(connection)
    .await?;
    Ok(Some(id))
}
