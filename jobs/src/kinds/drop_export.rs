//! Removes the file of an export that has been kept long enough.

use crate::{Decision, Job, JobContext, JobError, Queue, audit::export};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropExport {
    /// The job that wrote the file.
    pub export: Uuid,
}

impl Job for DropExport {
    const KIND: &'static str = "drop_export";
    const QUEUE: Queue = Queue::Maintenance;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.export))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        context.services.storage.delete(&export::key(self.export)).await.map_err(JobError::retry)?;
        Ok(Decision::done())
    }
}
