//! What people ask of campaigns, with the jobs that follow from it, in the caller's transaction.
//!
//! After commit the caller hands what was enqueued to [`Dispatcher::push`](crate::queue::dispatch::Dispatcher::push);
//! when it cannot, the relay does.

use super::{job, lanes};
use crate::{
    NewJob, Priority,
    kinds::{
        apply_provider_events::ApplyProviderEvents, build_audience::BuildAudience, compute_analytics::ComputeAnalytics,
        stop_campaign::StopCampaign,
    },
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::campaigns::CampaignStatus;
use domain::permissions::Reach;
use schema::{
    AsyncPgConnection, DbError,
    campaigns::{self, NewCampaign, Schedule, StatusChange},
};

/// Writes campaigns, and has the audiences of immediate ones built. Answers their numbers, in order.
pub async fn create(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    new: &[NewCampaign],
) -> Result<(Vec<i64>, Vec<Enqueued>), DbError> {
    let mut ids = Vec::with_capacity(new.len());
    let mut follows = Vec::new();
    // one a channel: at most as many as there are channels
    for campaign in new {
        let id = campaigns::insert(connection, campaign, now).await?;
        if campaign.schedule == Schedule::Immediate {
            follows.push(audience_of(id, campaign.created_by)?);
        }
        ids.push(id);
    }
    let enqueued = ledger::enqueue(connection, now, &follows).await?;
    Ok((ids, enqueued))
}

/// Changes a campaign's status, and enqueues what follows: the audience of one that is launched or confirmed, the lanes
/// of one that is resumed, the taking back of what is pending for one that is stopped. `None`: it no longer stands
/// where the request was judged; judge again.
pub async fn change_status(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    change: &StatusChange,
) -> Result<Option<Vec<Enqueued>>, DbError> {
    if !campaigns::change_status(connection, change, now).await? {
        return Ok(None);
    }
    let user = change.actor.user.map(|user| user.0);
    let follows = match change.to {
        CampaignStatus::Preparing => vec![audience_of(change.campaign, user)?],
        CampaignStatus::Cancelled => {
            let stop = job(&StopCampaign { campaign: change.campaign })?;
            vec![stop.priority(Priority::High).created_by(user)]
        }
        CampaignStatus::Active => match campaigns::find(connection, Reach::All, change.campaign).await? {
            Some(campaign) if campaign.audience_ready => {
                let mut jobs = lanes::jobs(campaign.id, campaign.channel, campaign.target_count)?;
                jobs.push(job(&ComputeAnalytics::of(campaign.id))?);
                jobs
            }
            // whoever finishes the audience finds it active
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    Ok(Some(ledger::enqueue(connection, now, &follows).await?))
}

/// Has events applied that were just kept.
pub async fn events_arrived(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<Enqueued>, DbError> {
    ledger::enqueue(connection, now, &[job(&ApplyProviderEvents {})?]).await
}

/// The job that writes a campaign's audience; a person waits for it.
pub(crate) fn audience_of(campaign: i64, for_whom: Option<i64>) -> Result<NewJob, DbError> {
    Ok(job(&BuildAudience { campaign })?.priority(Priority::High).created_by(for_whom))
}
