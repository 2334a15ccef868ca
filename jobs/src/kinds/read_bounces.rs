//! Reads the bounce mailbox: what did not arrive, what waits, what was called spam. Runs every few minutes.
//!
//! A page of mails is one transaction with the mark of how far was read, so an attempt that is cut short has read whole
//! pages or nothing of them.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBounces {}

impl Job for ReadBounces {
    const KIND: &'static str = "read_bounces";
    const QUEUE: Queue = Queue::Maintenance;
    const POLICY: Policy = Policy { max_attempts: 5, backoff_cap: Duration::from_secs(60), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::bounces::read::run(&context).await
    }
}
