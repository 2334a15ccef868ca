//! Takes an upload's effect back.

use crate::uploads;
use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::ids::UploadId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoUpload {
    /// Which upload.
    pub upload: i64,
}

impl Job for UndoUpload {
    const KIND: &'static str = "undo_upload";
    const QUEUE: Queue = Queue::Uploads;

    /// One transaction over everything a large file wrote.
    const POLICY: Policy = Policy { timeout: Duration::from_secs(3600), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        uploads::undo::undo(UploadId(self.upload), &context).await
    }
}
