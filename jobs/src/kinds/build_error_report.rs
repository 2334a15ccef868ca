//! Writes the workbook of an upload's refused rows.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildErrorReport {
    /// Which upload.
    pub upload: i64,
}

impl Job for BuildErrorReport {
    const KIND: &'static str = "build_error_report";
    const QUEUE: Queue = Queue::Uploads;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
