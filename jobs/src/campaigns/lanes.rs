//! Lanes: how many batches of one campaign may be sent at the same time.
//!
//! A lane is the messages whose id leaves its number when divided by how many lanes there are, so lanes never meet. A
//! lane has one job at a time, and the next one queues behind the batches of other campaigns: that is what keeps a large
//! campaign from starving a small one. Where a campaign goes out over several channels, each has lanes of its own, for
//! that channel's workers.

use super::job;
use crate::{NewJob, Queue, kinds::send_batch::SendBatch};
use domain::messaging::Channel;
use schema::{
    AsyncPgConnection, DbError,
    campaigns::{self, Campaign},
};

/// From how many messages on a campaign has how many lanes.
pub const STEPS: &[(i32, i64)] = &[(0, 1), (1_000, 2), (10_000, 4), (100_000, 8)];

/// How many lanes a campaign of so many messages has.
pub fn count(messages: Option<i32>) -> i64 {
    let messages = messages.unwrap_or(0);
    STEPS.iter().filter(|(at_least, _)| *at_least <= messages).map(|(_, lanes)| *lanes).max().unwrap_or(1)
}

/// The jobs of all lanes of a campaign, on every channel that it goes out over.
pub async fn jobs(connection: &mut AsyncPgConnection, campaign: &Campaign) -> Result<Vec<NewJob>, DbError> {
    let channels = campaigns::channels(connection, campaign.id).await?;
    on(campaign, &channels)
}

/// The jobs of all lanes of a campaign on these channels: something has come about, so those that sleep wake.
pub fn on(campaign: &Campaign, channels: &[Channel]) -> Result<Vec<NewJob>, DbError> {
    let lanes = count(campaign.target_count);
    let each = channels.iter().flat_map(|channel| (0..lanes).map(|lane| (lane, *channel)));
    let job = |(lane, channel)| {
        let lane = lane_of((campaign.id, campaign.channel), lane, channel);
        Ok(lane_job(&lane, campaign.channel)?.waking())
    };
    each.map(job).collect()
}

/// A lane of a campaign whose own channel is known.
pub fn lane_of((campaign, own): (i64, Channel), lane: i64, channel: Channel) -> SendBatch {
    SendBatch { campaign, lane, channel: (channel != own).then_some(channel) }
}

/// A lane's next job, for the workers of its channel.
pub fn lane_job(lane: &SendBatch, own: Channel) -> Result<NewJob, DbError> {
    Ok(job(lane)?.on(Queue::of(lane.channel.unwrap_or(own))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Job;

    #[test]
    fn large_campaigns_have_more_lanes() {
        let lanes = [None, Some(0), Some(999), Some(1_000), Some(20_000), Some(1_000_000)].map(count);
        assert_eq!(lanes, [1, 1, 1, 2, 4, 8]);
    }

    #[test]
    fn a_lane_on_another_channel_is_a_job_of_its_own() {
        let own = lane_of((7, Channel::Sms), 1, Channel::Sms);
        assert_eq!(own.unique_key().as_deref(), Some("send_batch:7:1"));
        assert_eq!(serde_json::to_value(own).unwrap(), serde_json::json!({"campaign": 7, "lane": 1}));
        let other = lane_of((7, Channel::Sms), 1, Channel::Email);
        assert_eq!(other.unique_key().as_deref(), Some("send_batch:7:1:email"));
        let read: SendBatch = serde_json::from_value(serde_json::to_value(other).unwrap()).unwrap();
        assert_eq!(read, other);
    }
}
