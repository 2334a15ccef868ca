//! Rescue: jobs whose worker died or was cut off go back to the queue, or end when they are out of attempts.

use super::events::JobEvent;
use crate::services::Services;
use schema::DbError;
use schema::ledger::rescue;

/// Jobs rescued in one transaction.
const BATCH: i64 = 500;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rescued {
    /// To be run again, or released because what they waited for has ended.
    pub ready: usize,
    /// Discarded or cancelled.
    pub ended: usize,
}

/// Rescues every job whose lease ran out. To be called every five seconds; any number may do so at once.
pub async fn rescue(services: &Services) -> Result<Rescued, DbError> {
    let mut total = Rescued::default();
    loop {
        let batch = rescue::rescue(&mut *services.db.get().await?, services.clock.now(), BATCH).await?;
        let (ready, ended) = (batch.ready.len(), batch.ended.len());
        total.ready += ready;
        total.ended += ended;
        services.dispatcher.push_ready(&batch.ready).await;
        services.events.publish(batch.ended.into_iter().map(|(id, state)| JobEvent { id, state }).collect());
        if i64::try_from(ready + ended).unwrap_or(i64::MAX) < BATCH {
            break;
        }
    }
    if total != Rescued::default() {
        tracing::warn!(ready = total.ready, ended = total.ended, "rescued jobs whose worker stopped answering");
    }
    Ok(total)
}
