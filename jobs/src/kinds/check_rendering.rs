//! Tries a campaign's text on every recipient before the first send; who cannot be written to is left out.
//!
//! A long audience is tried in several jobs, each enqueued by the one before. `start_campaign` follows.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::campaigns::Forecast;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRendering {
    /// Which campaign.
    pub campaign: i64,
    /// The last message that was tried.
    #[serde(default)]
    pub after: i64,
    /// How many were tried.
    #[serde(default)]
    pub tried: i64,
    /// What they come to.
    #[serde(default)]
    pub forecast: Forecast,
}

impl CheckRendering {
    /// From the campaign's first message on.
    pub fn of(campaign: i64) -> Self {
        Self { campaign, after: 0, tried: 0, forecast: Forecast::default() }
    }
}

impl Job for CheckRendering {
    const KIND: &'static str = "check_rendering";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { timeout: Duration::from_secs(40 * 60), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.campaign))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::check::run(self, &context).await
    }
}
