//! Lets a prepared campaign send: counts it, makes it active unless a person holds it, and enqueues its lanes.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCampaign {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for StartCampaign {
    const KIND: &'static str = "start_campaign";
    const QUEUE: Queue = Queue::Campaigns;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::start::run(self, &context).await
    }
}
