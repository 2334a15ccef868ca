//! Makes a new key for access tokens when the one that signs is old, and forgets those that were retired. Runs every day.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateTokenKeys {}

impl Job for RotateTokenKeys {
    const KIND: &'static str = "rotate_token_keys";
    const QUEUE: Queue = Queue::Maintenance;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::security::rotation::run(&context).await
    }
}
