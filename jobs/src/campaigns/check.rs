//! Trying every recipient's text before the first send: who cannot be written to is left out with the reason, and
//! nobody gets a half-empty message.
//!
//! What they come to is counted on the way: it is what a second person's word is asked on.
//!
//! Pages are tried one after the other, and what a page leaves out is committed with it, so an attempt that is cut short
//! loses nothing; a long audience is tried in several jobs.

use super::{approval, forecast::Texts, job, news};
use crate::{
    Decision, JobContext, JobError,
    kinds::check_rendering::CheckRendering,
    sending::{Restraint, work::WorkError},
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{ExclusionReason, Forecast},
    local_day::local_day,
    messaging::restraint::Verdict,
    permissions::Reach,
};
use schema::{
    AsyncPgConnection, DbError, campaigns,
    messages::{self, RenderRow},
};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

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
    let restraint = Restraint::read(&mut connection, context.now()).await?;
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let texts = Texts::read(&context.services, &mut connection, &campaign, (today, context.now())).await;
    drop(connection);
    let texts = match texts {
        Ok(texts) => Arc::new(texts),
        Err(WorkError::Letter(error)) => return news::fail(context, campaign.id, &error).await,
        Err(WorkError::Database(error)) => return Err(error.into()),
    };
    let mut forecast = this.forecast.clone();
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
            approval::begin(context, &campaign, forecast).await?;
            return Ok(Decision::done_with(&json!({"tried": tried, "leftOut": left_out})));
        };
        tried += i64::try_from(page.len()).unwrap_or_default();
        let left: HashSet<i64> = failures.iter().map(|(id, ..)| *id).collect();
        let page = page.into_iter().filter(|row| !left.contains(&row.id)).collect();
        let (unwritable, counted) = counted(&texts, page, context.now(), forecast).await?;
        failures.extend(unwritable);
        forecast = counted;
        if !failures.is_empty() {
            let mut connection = context.services.db.get().await?;
            left_out += campaigns::exclude_unrenderable(&mut connection, campaign.id, &failures).await?;
        }
        after = last;
        context.report(tried, campaign.target_count.map(i64::from), None);
    }
    context.then(job(&CheckRendering { after, tried, forecast, ..this })?);
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

/// Which messages of a page cannot be written, and why; and what those that can come to, beside what was counted.
async fn counted(
    texts: &Arc<Texts>,
    page: Vec<RenderRow>,
    now: DateTime<Utc>,
    mut forecast: Forecast,
) -> Result<(Vec<Failure>, Forecast), JobError> {
    let texts = texts.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let mut failures = Vec::new();
        for mut row in page {
            if let Err((reason, detail)) = texts.count(&mut row, now, &mut forecast) {
                failures.push((row.id, reason, detail));
            }
        }
        (failures, forecast)
    });
    tried.await.map_err(JobError::retry)
}
