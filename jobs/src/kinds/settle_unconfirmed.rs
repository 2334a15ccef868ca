//! Settles messages of unknown outcome: asks where it can, closes what was waited for. Runs every five minutes.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleUnconfirmed {}

impl Job for SettleUnconfirmed {
    const KIND: &'static str = "settle_unconfirmed";
    const QUEUE: Queue = Queue::Maintenance;

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::sending::unconfirmed::run(&context).await
    }
}
