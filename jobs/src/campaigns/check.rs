//! Trying every recipient's text before the first send: who cannot be written to is left out with the reason, and
//! nobody gets a half-empty message.
//!
//! Pages are tried one after the other, and what a page leaves out is committed with it, so an attempt that is cut short
//! loses nothing; a long audience is tried in several jobs.

use super::{job, news};
use crate::{
    Decision, JobContext, JobError,
    kinds::{check_rendering::CheckRendering, start_campaign::StartCampaign},
    sending::letter::Letter,
};
use domain::{campaigns::ExclusionReason, local_day::local_day, permissions::Reach};
use schema::{
    campaigns,
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
    let template = match campaign.template_id {
        Some(id) => campaigns::template_of(&mut connection, id).await?,
        None => None,
    };
    drop(connection);
    let letter = match Letter::new(template, local_day(context.now(), campaign.time_zone.as_deref())) {
        Ok(letter) => Arc::new(letter),
        Err(error) => return news::fail(context, campaign.id, &error).await,
    };
    let (mut after, mut tried, mut left_out) = (this.after, this.tried, 0);
    for _ in 0..PAGES {
        if context.stopping.is_cancelled() {
            break;
        }
        let mut connection = context.services.db.get().await?;
        let page = messages::page(&mut connection, campaign.id, after, i64::MAX, PAGE).await?;
        drop(connection);
        let Some(last) = page.last().map(|row| row.id) else {
            context.then(job(&StartCampaign { campaign: campaign.id })?);
            return Ok(Decision::done_with(&json!({"tried": tried, "leftOut": left_out})));
        };
        tried += i64::try_from(page.len()).unwrap_or_default();
        let failures = failures(&letter, page).await?;
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

/// Which messages of a page cannot be written, and why.
async fn failures(letter: &Arc<Letter>, page: Vec<RenderRow>) -> Result<Vec<(i64, ExclusionReason, String)>, JobError> {
    let letter = letter.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let failure = |mut row: RenderRow| {
            let (reason, detail) = letter.write(&mut row).err()?;
            Some((row.id, reason, detail))
        };
        page.into_iter().filter_map(failure).collect()
    });
    tried.await.map_err(JobError::retry)
}
