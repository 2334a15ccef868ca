//! Gives the failed messages of a campaign another try, a piece at a time.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryFailed {
    /// Of which campaign.
    pub campaign: i64,
    /// Those with these codes; all, when there are none.
    pub codes: Vec<String>,
    /// Those that had failed by then: what fails again is not tried for ever.
    pub asked_at: DateTime<Utc>,
    /// Those behind this one.
    pub after: i64,
}

impl Job for RetryFailed {
    const KIND: &'static str = "retry_failed";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { max_attempts: 10, ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", Self::KIND, self.campaign, self.asked_at.timestamp_micros()))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::retry::run(self, &context).await
    }
}
