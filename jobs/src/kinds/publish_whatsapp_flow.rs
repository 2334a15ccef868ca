//! Publishes a flow: a form at the provider, what follows from answers here.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishWhatsappFlow {
    /// Which one.
    pub flow: i64,
}

impl Job for PublishWhatsappFlow {
    const KIND: &'static str = "publish_whatsapp_flow";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { max_attempts: 8, backoff_cap: Duration::from_secs(300), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.flow))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::whatsapp::flows::publish(self.flow, &context).await
    }
}
