//! Lanes: how many batches of one campaign may be sent at the same time.
//!
//! A lane is the messages whose id leaves its number when divided by how many lanes there are, so lanes never meet. A
//! lane has one job at a time, and the next one queues behind the batches of other campaigns: that is what keeps a large
//! campaign from starving a small one.

use super::job;
use crate::{NewJob, Queue, kinds::send_batch::SendBatch};
use domain::messaging::Channel;
use schema::DbError;

/// From how many messages on a campaign has how many lanes.
pub const STEPS: &[(i32, i64)] = &[(0, 1), (1_000, 2), (10_000, 4), (100_000, 8)];

/// How many lanes a campaign of so many messages has.
pub fn count(messages: Option<i32>) -> i64 {
    let messages = messages.unwrap_or(0);
    STEPS.iter().filter(|(at_least, _)| *at_least <= messages).map(|(_, lanes)| *lanes).max().unwrap_or(1)
}

/// The jobs of all lanes of a campaign of so many messages.
pub fn jobs(campaign: i64, channel: Channel, messages: Option<i32>) -> Result<Vec<NewJob>, DbError> {
    (0..count(messages)).map(|lane| lane_job(&SendBatch { campaign, lane }, channel)).collect()
}

/// A lane's next job, for the workers of the channel.
pub fn lane_job(lane: &SendBatch, channel: Channel) -> Result<NewJob, DbError> {
    Ok(job(lane)?.on(Queue::of(channel)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_campaigns_have_more_lanes() {
        let lanes = [None, Some(0), Some(999), Some(1_000), Some(20_000), Some(1_000_000)].map(count);
        assert_eq!(lanes, [1, 1, 1, 2, 4, 8]);
        assert_eq!(jobs(7, Channel::Sms, Some(2_000)).unwrap().len(), 2);
    }
}
