//! Letting a prepared campaign send: it is counted, and its lanes begin, unless a person holds it.

use super::{job, lanes, winner};
use crate::{
    Decision, JobContext, JobError,
    kinds::{compute_analytics::ComputeAnalytics, start_campaign::StartCampaign},
};
use domain::campaigns::CampaignStatus;
use domain::permissions::Reach;
use schema::campaigns;
use serde_json::json;

/// Starts it. Run again it only makes sure of the lanes.
pub async fn run(this: StartCampaign, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    campaigns::start(&mut connection, this.campaign, context.now()).await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    if campaign.audience_ready && campaign.status == CampaignStatus::Active {
        if let Some(decision) = winner::after_start(&campaign, context.now())? {
            context.then(decision);
        }
        for lane in lanes::jobs(&mut connection, &campaign).await? {
            context.then(lane);
        }
    }
    drop(connection);
    if campaign.audience_ready {
        context.then(job(&ComputeAnalytics::of(campaign.id))?);
    }
    Ok(Decision::done_with(&json!({"status": campaign.status.as_str(), "messages": campaign.target_count})))
}
