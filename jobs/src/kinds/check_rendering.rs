//! Tries a campaign's text on every recipient before the first send.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRendering {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for CheckRendering {
    const KIND: &'static str = "check_rendering";
    const QUEUE: Queue = Queue::Campaigns;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
