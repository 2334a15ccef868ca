//! Writes a campaign's audience.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildAudience {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for BuildAudience {
    const KIND: &'static str = "build_audience";
    const QUEUE: Queue = Queue::Campaigns;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
