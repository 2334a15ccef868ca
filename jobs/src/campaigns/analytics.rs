//! A campaign's figures: measured and kept, again and again while it moves, and once more when it has come to rest.
//!
//! Measuring costs two passes over the campaign's messages, so the wait between measurements grows with what one takes.

use super::job;
use crate::{
    Decision, JobContext, JobError, NewJob, Priority,
    kinds::compute_analytics::ComputeAnalytics,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::campaigns::CampaignStatus;
use domain::permissions::Reach;
use schema::{AsyncPgConnection, DbError, campaigns};
use std::time::Duration;
use tokio::time::Instant;

/// The shortest wait between two measurements.
const WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The wait is so many times what measuring takes.
const SHARE: u32 = 20;
/// Events that come together are measured together.
const AFTER_EVENTS: TimeDelta = TimeDelta::seconds(1);
/// A second measurement after events, in case the first was under way when they were applied.
const SECOND: TimeDelta = TimeDelta::seconds(4);

/// Measures and keeps; again while the campaign runs.
pub async fn run(this: ComputeAnalytics, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let (at, begun) = (context.now(), Instant::now());
    let measured = campaigns::measure(&mut connection, campaign.id).await?;
    let report = measured.report(campaign.estimate());
    let kept = serde_json::to_value(&report).map_err(JobError::discard)?;
    campaigns::store(&mut connection, campaign.id, &measured, &kept, at).await?;
    drop(connection);
    let moves = campaign.status == CampaignStatus::Active || measured.figures.sending > 0;
    if moves && !this.once {
        let wait = (begun.elapsed() * SHARE).clamp(WAIT, LONGEST_WAIT);
        let until = context.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(2));
        return Ok(Decision::Snooze { until, reason: "measured again while it runs".to_owned() });
    }
    Ok(Decision::done())
}

/// Has campaigns measured whose messages were changed by events in the caller's transaction.
///
/// A measurement that is alive may have begun before these changes are committed; the second one sees them.
pub async fn after_events(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    campaigns: impl IntoIterator<Item = i64>,
) -> Result<Vec<Enqueued>, DbError> {
    let mut jobs: Vec<NewJob> = Vec::new();
    for campaign in campaigns {
        let soon = ComputeAnalytics::of(campaign);
        jobs.push(job(&soon)?.priority(Priority::Low).at(now + AFTER_EVENTS));
        jobs.push(job(&ComputeAnalytics { once: true, ..soon })?.priority(Priority::Low).at(now + SECOND));
    }
    ledger::enqueue(connection, now, &jobs).await
}
