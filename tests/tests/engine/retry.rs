//! Failed messages tried again, and campaigns that pause by themselves.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

#[tokio::test]
async fn what_no_provider_took_is_tried_again_and_nothing_else() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground = Ground::with(&[Entry::new(1), Entry::new(2), Entry::new(3)], &variables).await;
    let workers = ground.workers();
    let id = ground.create(&json!({})).await;
    ground.until_status(&id, "completed").await;
    let campaign = number(&id);
    // one was refused, one was taken and failed later
    let refused = "UPDATE messages SET status = 'failed', failed_at = now(), error_code = 'refused', sent_at = NULL, \
                   provider_message_id = NULL WHERE campaign_id = $1 AND id = (SELECT min(id) FROM messages WHERE campaign_id = $1)";
    ground.client.execute(refused, &[&campaign]).await.unwrap();
    let bounced = "UPDATE messages SET status = 'failed', failed_at = now(), error_code = 'undeliverable' \
                   WHERE campaign_id = $1 AND id = (SELECT max(id) FROM messages WHERE campaign_id = $1)";
    ground.client.execute(bounced, &[&campaign]).await.unwrap();
    let path = format!("/api/campaigns/{id}/retry");
    assert_eq!(ground.post(&path, &json!({"errorCodes": ["other"]})).await.data(200)["messages"], json!(0));
    assert_eq!(ground.post(&path, &json!({})).await.data(200)["messages"], json!(1));
    ground.until_status(&id, "completed").await;
    let query = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND status = 'failed'");
    assert_eq!(book::number(&ground.client, &query).await, 1);
    assert_eq!(meta.accepted_count(), 4, "three, and one again");
    workers.stop().await;
}

#[tokio::test]
async fn it_is_tried_again_at_once_though_the_rest_is_due_much_later() {
    let meta = MetaServer::start(Behaviour { unreachable: 1.0, ..Behaviour::default() }).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground = Ground::with(&[Entry::new(1), Entry::new(2), Entry::new(3)], &variables).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"perHour": 1})).await;
    let failed = "SELECT count(*) FROM messages WHERE status = 'failed'";
    ground.until_number("the first is refused", failed, 1).await;
    ground.until_idle().await;
    meta.change(|behaviour| behaviour.unreachable = 0.0);
    assert_eq!(ground.post(&format!("/api/campaigns/{id}/retry"), &json!({})).await.data(200)["messages"], json!(1));
    // no clock moves: the lane that slept until the second is due wakes
    ground.until_number("it is out", "SELECT count(*) FROM messages WHERE sent_at IS NOT NULL", 1).await;
    assert_eq!(meta.accepted_count(), 1);
    workers.stop().await;
}
