//! Writing a campaign's audience: one set-based statement, all or nothing.

use super::{job, news, texts};
use crate::{
    Decision, JobContext, JobError, Services,
    kinds::{build_audience::BuildAudience, check_rendering::CheckRendering},
    sending::{letter::LetterError, work},
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    campaigns::{Audience, CampaignMode, CampaignStatus, Grouping, Plan},
    local_day::{local_day, zone_of},
    messaging::restraint::Rules,
    permissions::Reach,
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError, QueryError,
    campaigns::{self, Built, Campaign, Dispatch, PinnedText, Share, Target},
    segments::{self, ResolveError},
    sequences,
};
use serde_json::json;

/// A campaign that cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("its target cannot be read")]
    Target(#[source] serde_json::Error),
    #[error(transparent)]
    Segments(ResolveError),
    #[error(transparent)]
    Text(#[from] texts::TextError),
    #[error(transparent)]
    Letter(#[from] LetterError),
    #[error("{0}")]
    Ladder(String),
}

/// Writes the audience, unless it is written or no longer wanted.
pub async fn run(this: BuildAudience, context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let mut connection = services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    if let Some(ladder) = sequences::ladder(&mut connection, campaign.id).await? {
        drop(connection);
        return crate::sequences::enrol::run(&campaign, ladder, context).await;
    }
    if campaign.audience_ready || campaign.mode == CampaignMode::Recurring || !is_wanted(campaign.status) {
        return Ok(Decision::done());
    }
    if campaign.target_count.is_some() {
        // written by an attempt whose end was not recorded
        context.then(job(&CheckRendering::of(campaign.id))?);
        return Ok(Decision::done());
    }
    let today = day_of(&campaign, context.now());
    let prepared = prepare(services, &mut connection, &campaign, today).await?;
    drop(connection);
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(broken) => return news::fail(context, campaign.id, &broken).await,
    };
    let Some(built) = build(context, campaign.id, &prepared).await? else {
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

/// What the statement is made from.
struct Prepared {
    target: Target,
    texts: Vec<PinnedText>,
    shares: Vec<Share>,
    plan: Plan,
    day: NaiveDate,
    rehearsal: bool,
    rules: Rules,
}

async fn prepare(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    today: NaiveDate,
) -> Result<Result<Prepared, Broken>, DbError> {
    let variants = campaigns::variants(connection, campaign.id).await?;
    let mut versions = Vec::new();
    for channel in campaigns::channels(connection, campaign.id).await? {
        let found = campaigns::texts(connection, campaign.id, channel).await?;
        if let Err(error) = work::letters(services, channel, found.clone(), today) {
            return Ok(Err(error.into()));
        }
        versions.extend(found);
    }
    let rules = schema::consent::rules::get(connection).await?;
    let plan = campaign.plan();
    let target = match target(connection, campaign, today).await? {
        Ok(target) => target,
        Err(broken) => return Ok(Err(broken)),
    };
    let made = || {
        Ok(Prepared {
            target,
            texts: texts::of_campaign(campaign, &variants, &versions)?,
            shares: texts::shares(&variants, plan.test.as_ref()),
            day: today,
            plan,
            rehearsal: campaign.rehearsal,
            rules,
        })
    };
    Ok(made())
}

/// The day that the days of its target are counted from: its own, where it is one on everybody's clocks; it begins on that
/// day's first clocks, when it is still the day before elsewhere.
pub(crate) fn day_of(campaign: &Campaign, now: DateTime<Utc>) -> NaiveDate {
    let today = local_day(now, campaign.time_zone.as_deref());
    campaign.plan().day.map_or(today, |day| day.max(today))
}

pub(crate) fn is_wanted(status: CampaignStatus) -> bool {
    matches!(status, CampaignStatus::Preparing | CampaignStatus::Paused | CampaignStatus::Active)
}

/// Whom a campaign addresses, as of a day.
pub(crate) async fn target(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    today: NaiveDate,
) -> Result<Result<Target, Broken>, DbError> {
    let audience: Audience = match serde_json::from_value(campaign.target_audience_filter.clone()) {
        Ok(audience) => audience,
        Err(error) => return Ok(Err(Broken::Target(error))),
    };
    let segments = match segments::resolve(connection, &audience.segments(), None).await {
        Ok(segments) => segments,
        Err(ResolveError::Database(error)) => return Err(error),
        Err(error) => return Ok(Err(Broken::Segments(error))),
    };
    let plan = campaign.plan();
    let is_ladder = campaign.mode == CampaignMode::Sequence;
    // whom a fallback reaches is on the ladder too
    let mut also = if is_ladder { campaigns::channels(connection, campaign.id).await? } else { Vec::new() };
    also.retain(|channel| *channel != campaign.channel);
    Ok(Ok(Target {
        upload_id: campaign.upload_id,
        audience,
        segments,
        // every policy is on its own way up a ladder
        grouping: if is_ladder { Grouping::Policy } else { plan.grouping },
        holdout: plan.holdout(&campaign.group_id.to_string()),
        channel: campaign.channel,
        also,
        today,
        zone: zone_of(campaign.time_zone.as_deref()),
        reach: campaign.reach(),
    }))
}

/// `None`, and nothing written, when the campaign was stopped meanwhile.
async fn build(context: &JobContext, campaign: i64, prepared: &Prepared) -> Result<Option<Built>, DbError> {
    let dispatch = Dispatch {
        texts: &prepared.texts,
        shares: &prepared.shares,
        timing: prepared.plan.timing,
        day: prepared.day,
        pace: prepared.plan.pace,
        rehearsal: prepared.rehearsal,
        rules: &prepared.rules,
    };
    let mut connection = context.services.db.get().await?;
    let built = connection
        .transaction::<_, DbError, _>(async |connection| {
            let built = campaigns::build(connection, campaign, &dispatch, &prepared.target, context.now()).await?;
            built.ok_or(DbError::Query(QueryError::RollbackTransaction))
        })
        .await;
    match built {
        Ok(built) => Ok(Some(built)),
        Err(DbError::Query(QueryError::RollbackTransaction)) => Ok(None),
        Err(error) => Err(error),
    }
}
