//! Applies what providers told us to messages, in bulk, until nothing waits.
//!
//! Pages of events are one transaction each, so an attempt that is cut short has applied whole pages or nothing of them.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyProviderEvents {}

impl Job for ApplyProviderEvents {
    const KIND: &'static str = "apply_provider_events";
    const QUEUE: Queue = Queue::Events;
    const POLICY: Policy = Policy { max_attempts: 25, backoff_cap: Duration::from_secs(10), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::provider_events::apply::run(self, &context).await
    }
}
