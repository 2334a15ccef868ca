//! Taking back what a campaign that is over had not sent, a piece at a time.

use super::analytics::after_change;
use crate::{Decision, JobContext, JobError, kinds::stop_campaign::StopCampaign};
use chrono::TimeDelta;
use domain::campaigns::CampaignStatus;
use domain::permissions::Reach;
use schema::{campaigns, messages, sequences};
use serde_json::json;

/// Messages taken back in one statement.
const PIECE: i64 = 5_000;
/// Messages that somebody had locked are looked at again after this.
const LOCKED: TimeDelta = TimeDelta::milliseconds(500);

/// Suppresses what is pending, and takes everybody off its ladder; what is in flight ends as it ends.
pub async fn run(this: StopCampaign, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let reason = match campaign.status {
        CampaignStatus::Cancelled => "campaign_stopped",
        CampaignStatus::Failed => "campaign_failed",
        _ => return Ok(Decision::done()),
    };
    let mut suppressed = 0;
    loop {
        let taken = messages::suppress_pending(&mut connection, campaign.id, reason, context.now(), PIECE).await?;
        suppressed += taken;
        if taken == 0 || context.stopping.is_cancelled() {
            break;
        }
        context.report(i64::try_from(suppressed).unwrap_or(i64::MAX), None, None);
    }
    loop {
        let taken = sequences::withdraw(&mut connection, campaign.id, reason, context.now(), PIECE).await?;
        if taken == 0 || context.stopping.is_cancelled() {
            break;
        }
    }
    if messages::any_pending(&mut connection, campaign.id).await? {
        let reason = "some of its messages are locked".to_owned();
        return Ok(Decision::Snooze { until: context.now() + LOCKED, reason });
    }
    campaigns::log_taken_back(&mut connection, campaign.id, reason).await?;
    context.then(after_change(campaign.id)?);
    Ok(Decision::done_with(&json!({"suppressed": suppressed})))
}
