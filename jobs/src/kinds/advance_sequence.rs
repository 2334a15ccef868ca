//! Takes the steps of a ladder that are due: messages are written, fallbacks looked after, and whoever's way is over is
//! taken off.
//!
//! Pieces are committed one by one, each whole, so an attempt that is cut short loses nothing and repeats nothing.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceSequence {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for AdvanceSequence {
    const KIND: &'static str = "advance_sequence";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { timeout: Duration::from_secs(15 * 60), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::sequences::advance::run(self, &context).await
    }
}
