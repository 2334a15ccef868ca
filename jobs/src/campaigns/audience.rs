//! Writing a campaign's audience: one set-based statement, all or nothing.

use super::{job, news};
use crate::{
    Decision, JobContext, JobError,
    kinds::{build_audience::BuildAudience, check_rendering::CheckRendering},
    sending::letter::{Letter, LetterError},
};
use domain::{
    campaigns::{Audience, CampaignStatus},
    local_day::local_day,
    permissions::Reach,
};
use schema::{
    AsyncConnection, DbError, QueryError,
    campaigns::{self, Built, Campaign, Target},
};
use serde_json::json;

/// A campaign that cannot be prepared.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("its target cannot be read")]
    Target(#[source] serde_json::Error),
    #[error("the template {0:?} is switched off")]
    Inactive(String),
    #[error(transparent)]
    Letter(#[from] LetterError),
}

/// Writes the audience, unless it is written or no longer wanted.
pub async fn run(this: BuildAudience, context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let mut connection = services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    if campaign.audience_ready || !is_wanted(campaign.status) {
        return Ok(Decision::done());
    }
    if campaign.target_count.is_some() {
        // written by an attempt whose end was not recorded
        context.then(job(&CheckRendering::of(campaign.id))?);
        return Ok(Decision::done());
    }
    let template = match campaign.template_id {
        Some(id) => campaigns::template_of(&mut connection, id).await?,
        None => None,
    };
    drop(connection);
    let inactive = template.as_ref().filter(|template| !template.is_active).map(|template| template.name.clone());
    let template_id = template.as_ref().map(|template| template.id);
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let target = match (inactive, Letter::new(template, today), target(&campaign, today)) {
        (Some(name), ..) => Err(Broken::Inactive(name)),
        (None, Err(error), _) => Err(error.into()),
        (None, Ok(_), target) => target,
    };
    let (target, template_id) = match (target, template_id) {
        (Ok(target), Some(id)) => (target, id),
        (Ok(_), None) => return news::fail(context, campaign.id, &LetterError::Missing).await,
        (Err(broken), _) => return news::fail(context, campaign.id, &broken).await,
    };
    let Some(built) = build(context, campaign.id, template_id, &target).await? else {
        return Ok(Decision::done());
    };
    tracing::info!(
        campaign = campaign.id,
        messages = built.messages,
        exclusions = built.exclusions,
        "audience written"
    );
    context.report(built.messages, Some(built.messages), None);
    context.then(job(&CheckRendering::of(campaign.id))?);
    Ok(Decision::done_with(&json!({"messages": built.messages, "exclusions": built.exclusions})))
}

fn is_wanted(status: CampaignStatus) -> bool {
    matches!(status, CampaignStatus::Preparing | CampaignStatus::Paused | CampaignStatus::Active)
}

fn target(campaign: &Campaign, today: chrono::NaiveDate) -> Result<Target, Broken> {
    let audience: Audience = serde_json::from_value(campaign.target_audience_filter.clone()).map_err(Broken::Target)?;
    Ok(Target { upload_id: campaign.upload_id, audience, channel: campaign.channel, today, reach: campaign.reach() })
}

/// `None`, and nothing written, when the campaign was stopped meanwhile.
async fn build(context: &JobContext, campaign: i64, template: i64, target: &Target) -> Result<Option<Built>, DbError> {
    let mut connection = context.services.db.get().await?;
    let built = connection
        .transaction::<_, DbError, _>(async |connection| {
            let built = campaigns::build(connection, campaign, template, target, context.now()).await?;
            built.ok_or(DbError::Query(QueryError::RollbackTransaction))
        })
        .await;
    match built {
        Ok(built) => Ok(Some(built)),
        Err(DbError::Query(QueryError::RollbackTransaction)) => Ok(None),
        Err(error) => Err(error),
    }
}
