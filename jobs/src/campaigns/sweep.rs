//! Finding campaigns that need something no living job would do, because it ran out of attempts, was cancelled by hand or
//! came to its end just as it was needed again.

use super::{job, lanes, request::audience_of};
use crate::{
    Job, NewJob,
    kinds::{
        attribute_conversions::AttributeConversions, build_audience::BuildAudience, check_rendering::CheckRendering,
        compute_analytics::ComputeAnalytics, decide_winner::DecideWinner, send_batch::SendBatch,
        start_campaign::StartCampaign, stop_campaign::StopCampaign,
    },
    services::Services,
};
use chrono::TimeDelta;
use schema::{DbError, campaigns, messages};

/// Findings put right in one go.
const LIMIT: i64 = 100;
/// Campaigns that ended longer ago are left as they are.
const ENDED: TimeDelta = TimeDelta::days(7);

/// Enqueues what is missing, and completes what is drained; how much was found.
pub async fn sweep(services: &Services) -> Result<usize, DbError> {
    let now = services.clock.now();
    let prefix = |kind: &str| format!("{kind}:");
    let mut connection = services.db.get().await?;
    let mut jobs: Vec<NewJob> = Vec::new();
    let idle = campaigns::idle_lanes(&mut connection, &prefix(SendBatch::KIND), lanes::STEPS, LIMIT).await?;
    for lane in idle {
        let batch = lanes::lane_of((lane.campaign, lane.own), lane.lane, lane.channel);
        jobs.push(lanes::lane_job(&batch, lane.own)?);
    }
    let preparing = [BuildAudience::KIND, CheckRendering::KIND, StartCampaign::KIND].map(prefix);
    let preparing: Vec<&str> = preparing.iter().map(String::as_str).collect();
    for campaign in campaigns::broken(&mut connection, &preparing, LIMIT).await? {
        jobs.push(audience_of(campaign, None)?);
    }
    let stop = prefix(StopCampaign::KIND);
    for campaign in campaigns::unstopped(&mut connection, &stop, now - ENDED, LIMIT).await? {
        jobs.push(job(&StopCampaign { campaign })?);
    }
    let decide = prefix(DecideWinner::KIND);
    for campaign in campaigns::undecided(&mut connection, &decide, LIMIT).await? {
        jobs.push(job(&DecideWinner { campaign })?);
    }
    // few: active campaigns whose last batch was lost
    for campaign in campaigns::undrained(&mut connection, now, LIMIT).await? {
        messages::cut_short(&mut connection, campaign, None, now).await?;
        if campaigns::complete_if_drained(&mut connection, campaign, now).await? {
            jobs.push(job(&ComputeAnalytics::of(campaign))?);
        }
    }
    for campaign in campaigns::unfolded(&mut connection, LIMIT).await? {
        jobs.push(job(&ComputeAnalytics::of(campaign))?);
    }
    if campaigns::conversions::is_due(&mut connection).await? {
        jobs.push(job(&AttributeConversions {})?);
    }
    drop(connection);
    if jobs.is_empty() {
        return Ok(0);
    }
    let enqueued = services.enqueue_now(&jobs).await?;
    Ok(enqueued.iter().filter(|job| !job.existed).count())
}
