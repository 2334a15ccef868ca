//! One run of a lane: what an earlier attempt left is settled, a batch is handed over, and the next one queues up.
//!
//! A run that ends early for whatever reason leaves nothing that the next one does not put right.

use super::{
    flow::{End, Flow},
    work::{self, Work, WorkError},
};
use crate::{
    Decision, JobContext, JobError,
    campaigns::{
        job,
        lanes::{self, lane_job},
        news,
    },
    kinds::{apply_provider_events::ApplyProviderEvents, compute_analytics::ComputeAnalytics, send_batch::SendBatch},
    services::Services,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::local_day::local_day;
use domain::messaging::Channel;
use domain::permissions::Reach;
use schema::{
    campaigns::{self, Campaign},
    messages,
};

/// Messages of one batch.
const BATCH: i64 = 500;
/// A lane with messages due later looks again after this at the latest.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);
/// Simulated events begin about so long after a message was accepted.
const FIRST_EVENTS: TimeDelta = TimeDelta::milliseconds(500);

/// Runs a batch of the lane.
pub async fn run(this: SendBatch, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let lost = messages::cut_short(&mut connection, campaign.id, Some(context.id), context.now()).await?;
    if lost > 0 {
        tracing::warn!(campaign = campaign.id, messages = lost, "an attempt was cut short: their outcome is unknown");
    }
    let channel = this.channel.unwrap_or(campaign.channel);
    let lane = (this.lane, lanes::count(campaign.target_count));
    if !campaign.status.is_sending() || !campaign.audience_ready || this.lane >= lane.1 {
        return Ok(Decision::done());
    }
    if campaign.error.is_some() {
        campaigns::set_waiting(&mut connection, campaign.id, None, context.now()).await?;
    }
    let batch = messages::next_due(&mut connection, (campaign.id, channel), lane, context.now(), BATCH).await?;
    if batch.is_empty() {
        drop(connection);
        after_batch(this, context, &campaign, lane).await?;
        return Ok(Decision::done());
    }
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let versions = campaigns::texts(&mut connection, campaign.id, channel).await?;
    let scope = (channel, Some(campaign.id));
    let prepared = work::prepare(&context.services, &mut connection, scope, versions, (today, context.now())).await;
    drop(connection);
    let work = match prepared {
        Ok(work) => of_campaign(work, &campaign, &context.services, channel),
        Err(WorkError::Letter(error)) => return news::fail(context, campaign.id, &error).await,
        Err(WorkError::Database(error)) => return Err(error.into()),
    };
    let (end, tally) = Flow::new(context, &work, batch).run().await?;
    if tally.foretold > 0 {
        context.then(job(&ApplyProviderEvents {})?.at(context.now() + FIRST_EVENTS));
    }
    match end {
        End::Batch => after_batch(this, context, &campaign, lane).await?,
        End::Stopping | End::Interrupted => context.then(lane_job(&this, campaign.channel)?),
        // whoever lets it go on wakes its lanes
        End::Closed => {}
        End::Paced(at) => context.then(lane_job(&this, campaign.channel)?.at(at)),
        End::Wait(until, reason) => {
            let mut connection = context.services.db.get().await?;
            campaigns::set_waiting(&mut connection, campaign.id, Some(&reason), context.now()).await?;
            return Ok(Decision::Snooze { until, reason });
        }
    }
    Ok(Decision::done_with(&tally))
}

/// What is special about the campaign: when it sends, and whether anybody gets it.
fn of_campaign(work: Work, campaign: &Campaign, services: &Services, channel: Channel) -> Work {
    let plan = campaign.plan();
    let restraint = work.restraint.paced(plan.gap(campaign.target_count.unwrap_or_default().into()));
    let restraint = restraint.within(plan.windows);
    let lines = if campaign.rehearsal { services.lines.rehearsing(channel) } else { work.lines };
    Work { restraint, lines, ..work }
}

/// The next batch of the lane, when its messages are due; of a lane that has run dry, perhaps the end of the campaign.
async fn after_batch(
    this: SendBatch,
    context: &JobContext,
    campaign: &Campaign,
    lane: (i64, i64),
) -> Result<(), JobError> {
    let mut connection = context.services.db.get().await?;
    let channel = this.channel.unwrap_or(campaign.channel);
    if let Some(due) = messages::next_due_at(&mut connection, (campaign.id, channel), lane).await? {
        context.then(lane_job(&this, campaign.channel)?.at(next_run(due, context.now())));
    } else if campaigns::complete_if_drained(&mut connection, campaign.id, context.now()).await? {
        tracing::info!(campaign = campaign.id, "completed");
        context.then(job(&ComputeAnalytics::of(campaign.id))?);
    }
    Ok(())
}

fn next_run(due: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    due.clamp(now, now + LONGEST_WAIT)
}
