//! Looks up who asked for another password, and has the link mailed if the address has an account.
//!
//! A job of its own, so that the answer to whoever asks takes the same work whether there is an account or not.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookUpPasswordReset {
    /// Which request.
    pub request_id: i64,
}

impl Job for LookUpPasswordReset {
    const KIND: &'static str = "look_up_password_reset";
    const QUEUE: Queue = Queue::Events;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.request_id))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::accounts::look_up(self, &context).await
    }
}
