//! Asks the provider what it thinks of our numbers, and how templates stand: approved, refused, paused, moved to another
//! category. Runs every hour, and when the provider says that something changed.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWhatsappTemplates {}

impl Job for SyncWhatsappTemplates {
    const KIND: &'static str = "sync_whatsapp_templates";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { max_attempts: 8, backoff_cap: Duration::from_secs(300), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::whatsapp::numbers::ask(&context).await?;
        crate::whatsapp::templates::sync(&context).await
    }
}
