//! Ends a campaign's test: tells the better variant when its time is over, and gives it to those who wait.
//!
//! Run again it goes on giving. A test that a person decides ends with word to them.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideWinner {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for DecideWinner {
    const KIND: &'static str = "decide_winner";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { max_attempts: 10, ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::winner::run(self, &context).await
    }
}
