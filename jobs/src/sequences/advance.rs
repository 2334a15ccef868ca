//! Taking the steps that are due, a piece at a time; before, whoever something was heard of is looked at, so that nobody
//! who has just paid, answered or claimed is written to.

use crate::{
    Decision, JobContext, JobError,
    campaigns::{job, lanes},
    kinds::{advance_sequence::AdvanceSequence, compute_analytics::ComputeAnalytics},
};
use domain::{messaging::Channel, permissions::Reach};
use schema::{AsyncConnection, DbError, campaigns, sequences};
use serde_json::json;
use std::collections::BTreeSet;

/// Policies of one piece.
const PIECE: i64 = 2_000;

/// Stops those whose way is over by what was heard of them, whether or not the campaign runs.
async fn stop_told(campaign: i64, context: &JobContext) -> Result<i64, DbError> {
    let mut stopped = 0;
    loop {
        let mut connection = context.services.db.get().await?;
        let looked = sequences::stop_told(&mut connection, campaign, context.now(), PIECE).await?;
        stopped += looked.stopped;
        if looked.last.is_none() || context.stopping.is_cancelled() {
            return Ok(stopped);
        }
    }
}

/// Takes them, and has the lanes of what was written begin.
pub async fn run(this: AdvanceSequence, context: &JobContext) -> Result<Decision, JobError> {
    let mut channels: BTreeSet<Channel> = BTreeSet::new();
    let (mut taken, mut written) = (0, 0);
    let mut stopped = stop_told(this.campaign, context).await?;
    loop {
        let mut connection = context.services.db.get().await?;
        let piece = connection
            .transaction::<_, DbError, _>(async |connection| {
                sequences::advance(connection, this.campaign, context.now(), PIECE).await
            })
            .await?;
        taken += piece.taken;
        stopped += piece.stopped;
        written += piece.written;
        channels.extend(piece.channels);
        context.report(taken, None, None);
        // the rest is somebody's who has it locked, or another job's
        if piece.taken == 0 || context.stopping.is_cancelled() {
            break;
        }
    }
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let channels: Vec<Channel> = channels.into_iter().collect();
    for lane in lanes::on(&campaign, &channels)? {
        context.then(lane);
    }
    if campaigns::complete_if_drained(&mut connection, campaign.id, context.now()).await? {
        tracing::info!(campaign = campaign.id, "completed");
        context.then(job(&ComputeAnalytics::of(campaign.id))?);
    }
    Ok(Decision::done_with(&json!({"taken": taken, "stopped": stopped, "messages": written})))
}
