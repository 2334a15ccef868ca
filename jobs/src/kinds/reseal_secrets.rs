//! Seals every secret at rest with the key that seals now, so that older keys can leave the ring.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResealSecrets {}

impl Job for ResealSecrets {
    const KIND: &'static str = "reseal_secrets";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { timeout: Duration::from_secs(3600), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::security::reseal::run(&context).await
    }
}
