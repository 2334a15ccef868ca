//! Suppresses what a campaign that is over had not sent, a piece at a time.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCampaign {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for StopCampaign {
    const KIND: &'static str = "stop_campaign";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { max_attempts: 10, ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::stop::run(self, &context).await
    }
}
