//! Ends uploads that were begun and never completed, and deletes their pieces; every hour.

use crate::uploads;
use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropAbandonedUploads {}

impl Job for DropAbandonedUploads {
    const KIND: &'static str = "drop_abandoned_uploads";
    const QUEUE: Queue = Queue::Maintenance;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        Ok(uploads::abandoned::drop_abandoned(&context).await?)
    }
}
