//! Computes the figures of a campaign and keeps them beside it, again and again while it runs.
//!
//! A measurement that is cut short keeps nothing; an older one never replaces a newer.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeAnalytics {
    /// Which campaign.
    pub campaign: i64,
    /// Only once: the other one may have begun before what this one is to see.
    #[serde(default)]
    pub once: bool,
}

impl ComputeAnalytics {
    /// For as long as the campaign runs.
    pub fn of(campaign: i64) -> Self {
        Self { campaign, once: false }
    }
}

impl Job for ComputeAnalytics {
    const KIND: &'static str = "compute_analytics";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { max_attempts: 10, backoff_cap: Duration::from_secs(30), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        let again = if self.once { ":once" } else { "" };
        Some(format!("{}:{}{again}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::analytics::run(self, &context).await
    }
}
