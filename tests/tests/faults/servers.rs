//! Servers that restart, lose their data or stop answering.

use crate::campaign::{Campaign, RECIPIENTS};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_flushed() {
    let campaign = Campaign::start().await;
    for share in [1, 4, 7] {
        campaign.accepted(RECIPIENTS * share / 10).await;
        let client = redis::Client::open(campaign.fleet.cluster.redis_url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    }
    campaign.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_restarts_with_its_data_and_without() {
    let campaign = Campaign::start().await;
    let redis = campaign.fleet.cluster.redis().unwrap();
    campaign.accepted(RECIPIENTS / 4).await;
    redis.restart_with_data().await.unwrap();
    campaign.accepted(RECIPIENTS / 2).await;
    redis.restart_without_data().await.unwrap();
    campaign.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_freezes_for_five_seconds() {
    let campaign = Campaign::start().await;
    let redis = campaign.fleet.cluster.redis().unwrap();
    campaign.accepted(RECIPIENTS / 3).await;
    redis.freeze().unwrap();
    // the fault itself lasts this long
    tokio::time::sleep(Duration::from_secs(5)).await;
    redis.thaw().unwrap();
    campaign.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_restarts() {
    let campaign = Campaign::start().await;
    let postgres = campaign.fleet.cluster.postgres().unwrap();
    campaign.accepted(RECIPIENTS / 4).await;
    postgres.restart().await.unwrap();
    campaign.accepted(RECIPIENTS / 2).await;
    postgres.restart().await.unwrap();
    campaign.ends_well().await;
}
