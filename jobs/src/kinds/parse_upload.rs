//! Reads an uploaded book of policies into customers, policies and renewal cases.

use crate::uploads;
use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::ids::UploadId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseUpload {
    /// Which upload.
    pub upload: i64,
}

impl Job for ParseUpload {
    const KIND: &'static str = "parse_upload";
    const QUEUE: Queue = Queue::Uploads;

    /// A large file takes long, and what an attempt has written stays written: many attempts may bring it to its end.
    const POLICY: Policy = Policy { max_attempts: 10, timeout: Duration::from_secs(4 * 3600), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        uploads::parse::parse(UploadId(self.upload), &context).await
    }
}
