//! Sends one message that is no campaign's.
//!
//! Nothing is sent twice: what an attempt marked and could not record is never sent again. What cannot go out now waits
//! in its row, and this job with it.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::ids::MessageId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// Which message.
    pub message: MessageId,
}

impl Job for SendMessage {
    const KIND: &'static str = "send_message";
    /// Enqueued for the workers of the message's channel: [`Queue::of`].
    const QUEUE: Queue = Queue::Whatsapp;
    const POLICY: Policy = Policy {
        max_attempts: 25,
        backoff: Duration::from_millis(500),
        backoff_cap: Duration::from_secs(15),
        timeout: Duration::from_secs(5 * 60),
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.message))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::sending::single::run(self, &context).await
    }
}
