//! Hands a template in for review by the provider.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitWhatsappTemplate {
    /// Which one.
    pub template: i64,
}

impl Job for SubmitWhatsappTemplate {
    const KIND: &'static str = "submit_whatsapp_template";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { max_attempts: 8, backoff_cap: Duration::from_secs(300), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.template))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::whatsapp::templates::submit(self.template, &context).await
    }
}
