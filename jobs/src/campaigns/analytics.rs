//! A campaign's figures: its counters folded, measured, kept beside it and told to whoever watches; again and again while
//! it moves, and once more when it has come to rest.
//!
//! A campaign of which too many messages fail, or too many people complain, is held until a person looks at it.
//!
//! Counting is done by the transactions that change messages; nothing here reads messages, so a campaign of millions
//! takes no longer than one of hundreds. A run that is cut short leaves counters that are right and a little slower to
//! read.

use super::{job, news};
use crate::{
    Decision, JobContext, JobError, NewJob, Priority,
    kinds::compute_analytics::ComputeAnalytics,
    queue::{dispatch::Enqueued, figures::FiguresEvent, ledger},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::campaigns::{CampaignMode, CampaignStatus, plan::Fared, report::Report};
use domain::permissions::Reach;
use schema::{
    AsyncPgConnection, DbError,
    campaigns::{self, Campaign},
};
use std::time::Duration;
use tokio::time::Instant;

/// The shortest wait between two measurements: what is told is told at most this often, and what is not folded yet makes
/// pages slow.
const WAIT: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The wait is so many times what measuring takes.
const SHARE: u32 = 10;
/// Events that come together are measured together.
const AFTER_EVENTS: TimeDelta = TimeDelta::seconds(1);
/// A second measurement after events, in case the first was under way when they were applied.
const SECOND: TimeDelta = TimeDelta::seconds(4);
/// Changes folded in one statement.
const PIECE: i64 = 20_000;
/// Statements of one run; the rest is left to the next.
const PIECES: usize = 50;

/// Folds, measures, keeps and tells; again while the campaign runs.
pub async fn run(this: ComputeAnalytics, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        campaigns::fold(&mut connection, this.campaign, PIECE).await?;
        return Err(JobError::discard("there is no such campaign"));
    };
    let begun = Instant::now();
    for _ in 0..PIECES {
        if campaigns::fold(&mut connection, campaign.id, PIECE).await? < PIECE {
            break;
        }
    }
    let report = measure(&mut connection, &campaign, context).await?;
    // what is sent each time is the recurring campaign's as well
    if let Some(parent) = campaign.parent_id.filter(|_| !campaign.rehearsal)
        && let Some(parent) = campaigns::find(&mut connection, Reach::All, parent).await?
    {
        measure(&mut connection, &parent, context).await?;
    }
    drop(connection);
    // of a recurring one, each time is looked at by itself
    let sends = campaign.mode != CampaignMode::Recurring;
    if sends && campaign.status == CampaignStatus::Active && !campaign.rehearsal {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        let metrics = &report.metrics;
        let (sent, failed) = (count(metrics.sent), count(metrics.failed));
        let fared = Fared { sent, failed, complained: count(metrics.complained) };
        if let Some(breach) = campaign.plan().limits.breached(fared, campaign.judged_from()) {
            news::hold(context, campaign.id, &breach.to_string()).await?;
        }
    }
    let moves = campaign.status == CampaignStatus::Active || report.metrics.sending > 0;
    if sends && moves && !this.once {
        let wait = (begun.elapsed() * SHARE).clamp(WAIT, LONGEST_WAIT);
        let until = context.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(2));
        return Ok(Decision::Snooze { until, reason: "measured again while it runs".to_owned() });
    }
    Ok(Decision::done())
}

/// Measures a campaign with every time it was sent, keeps that, and tells it when it is news.
async fn measure(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    context: &JobContext,
) -> Result<Report, JobError> {
    let at = context.now();
    let counted = campaigns::counted(connection, Reach::All, campaign.id, false).await?;
    let measured = campaigns::measure(connection, &counted, campaign.time_zone.as_deref()).await?;
    let report = measured.report(Some(campaign.status), campaign.estimate());
    let before = campaign.report();
    // a campaign that stands still leaves its row alone
    if before.as_ref() != Some(&report) {
        let kept = serde_json::to_value(&report).map_err(JobError::discard)?;
        campaigns::store(connection, campaign.id, &measured, &kept, at).await?;
    }
    if before.is_none_or(|before| report.says_more_than(&before)) {
        let event = FiguresEvent::of(campaign.id, campaign.status, measured.figures, at);
        context.services.figures.publish(event);
    }
    Ok(report)
}

/// The job that tells where a campaign stands, for whoever has changed it: if one is under way, it runs once more.
pub fn after_change(campaign: i64) -> Result<NewJob, DbError> {
    Ok(job(&ComputeAnalytics::of(campaign))?.waking())
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
