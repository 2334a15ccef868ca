//! Trying every recipient's text before the first send: who cannot be written to is left out with the reason, and
//! nobody gets a half-empty message.
//!
//! Pages are tried one after the other, and what a page leaves out is committed with it, so an attempt that is cut short
//! loses nothing; a long audience is tried in several jobs.

use super::{job, news};
use crate::{
    Decision, JobContext, JobError,
    kinds::{check_rendering::CheckRendering, start_campaign::StartCampaign},
    sending::{Restraint, letter::Letters, work},
};
use chrono::{DateTime, Utc};
use domain::{campaigns::ExclusionReason, local_day::local_day, messaging::restraint::Verdict, permissions::Reach};
use schema::{
    AsyncPgConnection, DbError, campaigns,
    messages::{self, RenderRow},
};
use serde_json::json;
use std::sync::Arc;

/// Texts tried between two statements.
const PAGE: i64 = 1_000;
/// Pages of one job.
const PAGES: usize = 100;

/// Tries the next texts; the last job has the campaign started.
pub async fn run(this: CheckRendering, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    if campaign.audience_ready || campaign.status.is_final() {
        return Ok(Decision::done());
    }
    let versions = campaigns::texts(&mut connection, &campaign).await?;
    let restraint = Restraint::read(&mut connection, context.now()).await?;
    drop(connection);
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let letters = match work::letters(&context.services, campaign.channel, versions, today) {
        Ok(letters) => Arc::new(letters),
        Err(error) => return news::fail(context, campaign.id, &error).await,
    };
    let (mut after, mut tried, mut left_out) = (this.after, this.tried, 0);
    for _ in 0..PAGES {
        if context.stopping.is_cancelled() {
            break;
        }
        let mut connection = context.services.db.get().await?;
        let page = messages::page(&mut connection, campaign.id, after, i64::MAX, PAGE).await?;
        let mut failures = restrained(&mut connection, &page, &restraint, context.now()).await?;
        drop(connection);
        let Some(last) = page.last().map(|row| row.id) else {
            context.then(job(&StartCampaign { campaign: campaign.id })?);
            return Ok(Decision::done_with(&json!({"tried": tried, "leftOut": left_out})));
        };
        tried += i64::try_from(page.len()).unwrap_or_default();
        failures.extend(unwritable(&letters, page, context.now()).await?);
        if !failures.is_empty() {
            let mut connection = context.services.db.get().await?;
            left_out += campaigns::exclude_unrenderable(&mut connection, campaign.id, &failures).await?;
        }
        after = last;
        context.report(tried, campaign.target_count.map(i64::from), None);
    }
    context.then(job(&CheckRendering { after, tried, ..this })?);
    Ok(Decision::done_with(&json!({"tried": tried, "leftOut": left_out})))
}

/// Why a message is not to be sent.
type Failure = (i64, ExclusionReason, String);

/// Which messages of a page the rules leave out for good. What only has to wait is judged again when it is sent.
async fn restrained(
    connection: &mut AsyncPgConnection,
    page: &[RenderRow],
    restraint: &Restraint,
    now: DateTime<Utc>,
) -> Result<Vec<Failure>, DbError> {
    let ids: Vec<i64> = page.iter().map(|row| row.id).collect();
    let known = schema::consent::facts(connection, &ids, now, restraint.contacts_since(now)).await?;
    let mut left_out = Vec::new();
    for facts in &known {
        if let Verdict::Exclude { reason } = restraint.judge(facts, now)? {
            left_out.push((facts.id, reason, String::new()));
        }
    }
    Ok(left_out)
}

/// Which messages of a page cannot be written, and why.
async fn unwritable(
    letters: &Arc<Letters>,
    page: Vec<RenderRow>,
    now: DateTime<Utc>,
) -> Result<Vec<Failure>, JobError> {
    let letters = letters.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let failure = |mut row: RenderRow| {
            let (reason, detail) = letters.write(&mut row, now).err()?;
            Some((row.id, reason, detail))
        };
        page.into_iter().filter_map(failure).collect()
    });
    tried.await.map_err(JobError::retry)
}
