//! Writing a campaign's audience: one set-based statement, all or nothing.

use super::{job, news};
use crate::{
    Decision, JobContext, JobError,
    kinds::{build_audience::BuildAudience, check_rendering::CheckRendering},
    sending::{letter::LetterError, work},
};
use domain::{
    campaigns::{Audience, CampaignStatus},
    local_day::local_day,
    messaging::Purpose,
    permissions::Reach,
};
use schema::{
    AsyncConnection, DbError, QueryError,
    campaigns::{self, Built, Campaign, Pinned, Target},
    template_versions::TemplateVersion,
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
    let versions = campaigns::texts(&mut connection, &campaign).await?;
    drop(connection);
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let text = match Text::of(&versions) {
        Ok(text) => text,
        Err(broken) => return news::fail(context, campaign.id, &broken).await,
    };
    let checked = work::letters(services, campaign.channel, versions, today).map_err(Broken::from);
    let target = match checked.and_then(|_| target(&campaign, today)) {
        Ok(target) => target,
        Err(broken) => return news::fail(context, campaign.id, &broken).await,
    };
    let Some(built) = build(context, campaign.id, &text, &target).await? else {
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

/// What the messages say, of a template that may be used.
struct Text {
    template: i64,
    fallback: i64,
    variants: Vec<(String, i64)>,
    purpose: Purpose,
    topic: Option<String>,
}

impl Text {
    fn of(versions: &[TemplateVersion]) -> Result<Self, Broken> {
        let fallback = versions.iter().find(|version| version.is_fallback).ok_or(LetterError::Missing)?;
        if !fallback.is_active {
            return Err(Broken::Inactive(fallback.name.clone()));
        }
        Ok(Self {
            template: fallback.template_id,
            fallback: fallback.id,
            variants: versions.iter().map(|version| (version.language.clone(), version.id)).collect(),
            purpose: fallback.purpose().map_err(LetterError::from)?,
            topic: fallback.topic.clone(),
        })
    }
}

fn is_wanted(status: CampaignStatus) -> bool {
    matches!(status, CampaignStatus::Preparing | CampaignStatus::Paused | CampaignStatus::Active)
}

fn target(campaign: &Campaign, today: chrono::NaiveDate) -> Result<Target, Broken> {
    let audience: Audience = serde_json::from_value(campaign.target_audience_filter.clone()).map_err(Broken::Target)?;
    Ok(Target { upload_id: campaign.upload_id, audience, channel: campaign.channel, today, reach: campaign.reach() })
}

/// `None`, and nothing written, when the campaign was stopped meanwhile.
async fn build(context: &JobContext, campaign: i64, text: &Text, target: &Target) -> Result<Option<Built>, DbError> {
    let variants: Vec<(&str, i64)> = text.variants.iter().map(|(language, id)| (language.as_str(), *id)).collect();
    let pinned = Pinned {
        template: text.template,
        fallback: text.fallback,
        variants: &variants,
        purpose: text.purpose,
        topic: text.topic.as_deref(),
    };
    let mut connection = context.services.db.get().await?;
    let built = connection
        .transaction::<_, DbError, _>(async |connection| {
            let built = campaigns::build(connection, campaign, &pinned, target, context.now()).await?;
            built.ok_or(DbError::Query(QueryError::RollbackTransaction))
        })
        .await;
    match built {
        Ok(built) => Ok(Some(built)),
        Err(DbError::Query(QueryError::RollbackTransaction)) => Ok(None),
        Err(error) => Err(error),
    }
}
