//! Processes that die without a word.

use crate::campaign::{Campaign, RECIPIENTS};
use tests::fleet::Program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_killed() {
    let mut campaign = Campaign::start().await;
    for (round, share) in [1, 3, 5, 7].into_iter().enumerate() {
        campaign.accepted(RECIPIENTS * share / 10).await;
        campaign.fleet.replace(Program::Worker(round % 3)).await;
    }
    campaign.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_workers_are_killed_at_once() {
    let mut campaign = Campaign::start().await;
    campaign.accepted(RECIPIENTS / 3).await;
    for number in 0..3 {
        campaign.fleet.kill(Program::Worker(number));
    }
    for number in 0..3 {
        campaign.fleet.launch(Program::Worker(number));
    }
    campaign.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_and_the_scheduler_are_killed() {
    let mut campaign = Campaign::start().await;
    for share in [2, 5, 8] {
        campaign.accepted(RECIPIENTS * share / 10).await;
        campaign.fleet.kill(Program::Scheduler);
        campaign.fleet.replace(Program::Api).await;
        campaign.fleet.launch(Program::Scheduler);
    }
    campaign.ends_well().await;
}
