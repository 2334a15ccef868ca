//! Messages of unknown outcome of which nothing was heard: after a day nobody waits for them any longer.
//!
//! They stay `unconfirmed`, with that reason. They are never sent again, and a late word of the provider still counts.

use crate::{Decision, JobContext, JobError};
use chrono::TimeDelta;
use schema::messages;
use serde_json::json;

/// How long a provider's word is waited for.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Messages closed in one statement.
const PIECE: i64 = 1_000;
/// What is said of them.
const WHY: &str = "no word from the provider within 24 hours";

/// Closes what is old, a piece at a time.
pub async fn run(context: &JobContext) -> Result<Decision, JobError> {
    let now = context.now();
    let mut connection = context.services.db.get().await?;
    let mut closed = 0;
    while !context.stopping.is_cancelled() {
        let piece = messages::close_unconfirmed(&mut connection, now - PATIENCE, WHY, now, PIECE).await?;
        if piece == 0 {
            break;
        }
        closed += piece;
    }
    if closed > 0 {
        tracing::warn!(messages = closed, "never confirmed: their outcome stays unknown");
    }
    Ok(Decision::done_with(&json!({"closed": closed})))
}
