//! Writes the workbook of an upload's refused rows.

use crate::uploads;
use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::ids::UploadId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildErrorReport {
    /// Which upload.
    pub upload: i64,
}

impl Job for BuildErrorReport {
    const KIND: &'static str = "build_error_report";
    const QUEUE: Queue = Queue::Uploads;

    /// The whole file is read again.
    const POLICY: Policy = Policy { timeout: Duration::from_secs(3600), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        Ok(uploads::report::build(UploadId(self.upload), &context).await?)
    }
}
