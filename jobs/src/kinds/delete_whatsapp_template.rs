//! Takes a template back from the provider, and forgets it.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteWhatsappTemplate {
    /// Which one.
    pub template: i64,
}

impl Job for DeleteWhatsappTemplate {
    const KIND: &'static str = "delete_whatsapp_template";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { max_attempts: 8, backoff_cap: Duration::from_secs(300), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.template))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::whatsapp::templates::delete(self.template, &context).await
    }
}
