//! Sends one batch of a lane of a campaign over WhatsApp.

use crate::{Decision, Job, JobContext, JobError, Queue};
use serde::{Deserialize, Serialize};

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendWhatsappBatch {
    /// Which campaign.
    pub campaign: i64,
    /// Which lane of it, from 0.
    pub lane: i64,
}

impl Job for SendWhatsappBatch {
    const KIND: &'static str = "send_whatsapp_batch";
    const QUEUE: Queue = Queue::Whatsapp;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", Self::KIND, self.campaign, self.lane))
    }

    async fn run(self, _context: JobContext) -> Result<Decision, JobError> {
        Err(JobError::discard("being built"))
    }
}
