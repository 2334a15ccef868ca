//! Writing campaigns.

use crate::DbError;
use crate::tables::{campaigns, templates};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::campaigns::{Audience, CampaignStatus};
use domain::messaging::Channel;
use domain::money::Money;
use domain::permissions::Reach;
use rust_decimal::Decimal;
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
    /// How it goes out.
    pub channel: Channel,
    /// The upload whose policies it addresses; `None`: the whole book.
    pub upload_id: Option<i64>,
    /// What it says.
    pub template_id: i64,
    /// Whom it addresses.
    pub audience: Audience,
    /// What it may cost.
    pub budget: Option<Money>,
    /// When it starts.
    pub schedule: Schedule,
    /// The IANA zone its days are counted in.
    pub time_zone: Option<String>,
    /// How many it will reach, if that could be told quickly.
    pub estimate: Option<i64>,
    /// Who asked for it.
    pub created_by: Option<i64>,
    /// What they reach: whom it can address.
    pub reach: Reach,
}

/// Writes it, `scheduled` or `preparing`; answers its id.
pub async fn insert(connection: &mut AsyncPgConnection, new: &NewCampaign, now: DateTime<Utc>) -> Result<i64, DbError> {
    let (status, kind, at, latest) = match &new.schedule {
        Schedule::Immediate => (CampaignStatus::Preparing, "immediate", None, None),
        Schedule::At { at, latest } => (CampaignStatus::Scheduled, "scheduled", Some(*at), *latest),
    };
    let audience = serde_json::to_value(&new.audience)
        .map_err(|error| DbError::Query(diesel::result::Error::SerializationError(Box::new(error))))?;
    // pinned: what is changed about the template later is another version
    let version = templates::table.find(new.template_id).select(templates::version.nullable()).single_value();
    Ok(diesel::insert_into(campaigns::table)
        .values((
            campaigns::group_id.eq(new.group_id),
            campaigns::name.eq(&new.name),
            campaigns::description.eq(&new.description),
            campaigns::campaign_type.eq(new.channel.as_str()),
            campaigns::status.eq(status.as_str()),
            campaigns::upload_id.eq(new.upload_id),
            campaigns::template_id.eq(new.template_id),
            campaigns::template_version.eq(version),
            campaigns::target_audience_filter.eq(audience),
            campaigns::budget.eq(new.budget.map(Decimal::from)),
            campaigns::metrics.eq(new.estimate.map(|count| serde_json::json!({"estimate": count}))),
            campaigns::schedule_type.eq(kind),
            campaigns::scheduled_at.eq(at),
            campaigns::time_zone.eq(&new.time_zone),
            campaigns::latest_start.eq(latest),
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
