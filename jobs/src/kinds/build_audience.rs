//! Writes a campaign's audience: its messages, and who is left out for which reason.
//!
//! One statement does it, all or nothing, so an attempt that is cut short leaves nothing. `check_rendering` follows.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildAudience {
    /// Which campaign.
    pub campaign: i64,
}

impl Job for BuildAudience {
    const KIND: &'static str = "build_audience";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { timeout: Duration::from_secs(40 * 60), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::audience::run(self, &context).await
    }
}
