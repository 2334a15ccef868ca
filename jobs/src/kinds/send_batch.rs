//! Sends one batch of a lane of a campaign, on the lane's channel, and enqueues the lane's next batch.
//!
//! Nothing is sent twice: what an attempt marked and could not record is never sent again. Database and provider may
//! fail at any line; the next attempt, or the next batch, puts right what this one left.

use crate::{Decision, Job, JobContext, JobError, Policy, Queue};
use domain::messaging::Channel;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendBatch {
    /// Which campaign.
    pub campaign: i64,
    /// Which lane of it, from 0.
    pub lane: i64,
    /// On which channel; `None`: on the campaign's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

impl Job for SendBatch {
    const KIND: &'static str = "send_batch";
    const ALIASES: &'static [&'static str] = &["send_whatsapp_batch"];
    /// Enqueued for the workers of the lane's channel: [`Queue::of`].
    const QUEUE: Queue = Queue::Whatsapp;
    const POLICY: Policy = Policy {
        max_attempts: 25,
        backoff: Duration::from_millis(500),
        backoff_cap: Duration::from_secs(15),
        timeout: Duration::from_secs(15 * 60),
    };

    fn unique_key(&self) -> Option<String> {
        let own = format!("{}:{}:{}", Self::KIND, self.campaign, self.lane);
        Some(self.channel.map_or(own.clone(), |channel| format!("{own}:{channel}")))
    }

    async fn run(self, context: JobContext) -> Result<Decision, JobError> {
        crate::sending::batch::run(self, &context).await
    }
}
