//! Takes an upload's effect back.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoUpload {
    /// Which upload.
    pub upload: i64,
}

impl Job for UndoUpload {
    const KIND: &'static str = "undo_upload";
    const QUEUE: Queue = Queue::Uploads;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
