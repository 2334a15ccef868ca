//! What people ask of campaigns, with the jobs that follow from it, in the caller's transaction.
//!
//! After commit the caller hands what was enqueued to [`Dispatcher::push`](crate::queue::dispatch::Dispatcher::push);
//! when it cannot, the relay does.

use super::{analytics, job, lanes, news, winner};
use crate::{
    Job, NewJob, Priority,
    kinds::{apply_provider_events::ApplyProviderEvents, build_audience::BuildAudience, stop_campaign::StopCampaign},
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::campaigns::{CampaignMode, CampaignStatus};
use domain::local_day::DEFAULT_ZONE;
use domain::permissions::Reach;
use schema::{
    AsyncPgConnection, DbError,
    campaigns::{self, Campaign, Judgement, NewCampaign, StatusChange},
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
        if campaign.status == CampaignStatus::Preparing {
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
    let follows = follows(connection, now, change.campaign, change.to, user).await?;
    Ok(Some(ledger::enqueue(connection, now, &follows).await?))
}

/// What a campaign needs that has just come to stand there.
async fn follows(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    campaign: i64,
    status: CampaignStatus,
    user: Option<i64>,
) -> Result<Vec<NewJob>, DbError> {
    let told = analytics::after_change(campaign)?;
    let mut follows = match status {
        CampaignStatus::Preparing => vec![audience_of(campaign, user)?],
        CampaignStatus::Missed => {
            let kind = ("campaign_missed", "has missed its time: start it or stop it");
            news::tell_creator(connection, campaign, kind, "Its latest start had passed when it was let go.").await?;
            Vec::new()
        }
        CampaignStatus::Cancelled => {
            let stop = job(&StopCampaign { campaign })?;
            vec![stop.priority(Priority::High).created_by(user)]
        }
        CampaignStatus::Active => match campaigns::find(connection, Reach::All, campaign).await? {
            Some(campaign) if campaign.audience_ready => {
                let mut jobs = lanes::jobs(connection, &campaign).await?;
                jobs.extend(winner::after_start(&campaign, now)?.filter(|_| campaign.winner_basis.is_none()));
                jobs
            }
            Some(campaign) if campaign.mode == CampaignMode::Recurring => {
                // what it missed while it was held, or a draft, is not made up for
                let zone = campaign.time_zone.as_deref().unwrap_or(DEFAULT_ZONE.name());
                let recurrence = campaign.plan().recurrence;
                let next = recurrence.and_then(|recurrence| recurrence.next_after(zone, now).ok().flatten());
                campaigns::set_next(connection, campaign.id, next, now).await?;
                Vec::new()
            }
            // whoever finishes the audience finds it active
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    follows.push(told);
    Ok(follows)
}

/// Has events applied that were just kept.
pub async fn events_arrived(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<Enqueued>, DbError> {
    ledger::enqueue(connection, now, &[job(&ApplyProviderEvents {})?]).await
}

/// A job about to be enqueued.
pub fn new_job<J: Job>(this: &J) -> Result<NewJob, DbError> {
    job(this)
}

/// Takes a second person's word, and has a campaign that may begin go on. `None`: nobody asks for it any more.
pub async fn judge(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    word: &Judgement,
    campaign: &Campaign,
) -> Result<Option<Vec<Enqueued>>, DbError> {
    if !campaigns::judge(connection, word, now).await? {
        return Ok(None);
    }
    let follows = follows(connection, now, campaign.id, word.to, campaign.created_by).await?;
    Ok(Some(ledger::enqueue(connection, now, &follows).await?))
}

/// The job that writes a campaign's audience; a person waits for it.
pub fn audience_of(campaign: i64, for_whom: Option<i64>) -> Result<NewJob, DbError> {
    Ok(job(&BuildAudience { campaign })?.priority(Priority::High).created_by(for_whom))
}
