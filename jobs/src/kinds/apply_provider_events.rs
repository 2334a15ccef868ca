//! See the queue.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyProviderEvents {}

impl Job for ApplyProviderEvents {
    const KIND: &'static str = "apply_provider_events";
    const QUEUE: Queue = Queue::Events;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
