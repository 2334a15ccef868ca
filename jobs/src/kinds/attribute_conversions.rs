//! Works out to which campaigns renewals and payments are owed.
//!
//! A page is one transaction; a job that is cut short leaves the rest to the next, which the sweep of campaigns starts.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeConversions {}

impl Job for AttributeConversions {
    const KIND: &'static str = "attribute_conversions";
    const QUEUE: Queue = Queue::Campaigns;
    const POLICY: Policy = Policy { max_attempts: 10, backoff_cap: Duration::from_secs(30), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::campaigns::conversions::run(self, &context).await
    }
}
