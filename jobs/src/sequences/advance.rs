//! Taking the steps that are due, a piece at a time.

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

/// Takes them, and has the lanes of what was written begin.
pub async fn run(this: AdvanceSequence, context: &JobContext) -> Result<Decision, JobError> {
    let mut channels: BTreeSet<Channel> = BTreeSet::new();
    let (mut taken, mut stopped, mut written) = (0, 0, 0);
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
