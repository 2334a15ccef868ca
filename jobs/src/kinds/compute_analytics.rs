//! Computes the figures of a campaign.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeAnalytics {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for ComputeAnalytics {
    const KIND: &'static str = "compute_analytics";
    const QUEUE: Queue = Queue::Campaigns;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
