//! Looks at a ladder again: who has come into its target is put on, and whoever's way is over is taken off.
//!
//! Run again it finds whom it left; nobody is put on twice.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolSequence {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for EnrolSequence {
    const KIND: &'static str = "enrol_sequence";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { timeout: Duration::from_secs(40 * 60), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::sequences::enrol::again(self, &context).await
    }
}
