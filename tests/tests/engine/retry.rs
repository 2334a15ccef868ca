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
    // of another nobody could tell, and it was closed as failed
    let closed = "UPDATE messages SET status = 'failed', failed_at = now(), error_code = 'never_confirmed', sent_at = NULL, \
                  provider_message_id = NULL WHERE campaign_id = $1 AND status IN ('sent', 'delivered', 'read')";
    assert_eq!(ground.client.execute(closed, &[&campaign]).await.unwrap(), 1);
    let judged = "UPDATE campaigns SET judged_from = '{\"sent\": 0, \"failed\": 3, \"complained\": 0}' WHERE id = $1";
    ground.client.execute(judged, &[&campaign]).await.unwrap();
    let path = format!("/api/campaigns/{id}/retry");
    assert_eq!(ground.post(&path, &json!({"errorCodes": ["other"]})).await.data(200)["messages"], json!(0));
    assert_eq!(ground.post(&path, &json!({})).await.data(200)["messages"], json!(1));
    let from = "SELECT judged_from ->> 'failed' FROM campaigns";
    assert_eq!(book::texts(&ground.client, from).await, ["2"], "should it fail again, that counts");
    ground.until_status(&id, "completed").await;
    let query = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND status = 'failed'");
    assert_eq!(book::number(&ground.client, &query).await, 2);
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

#[tokio::test]
async fn many_are_tried_again_a_piece_at_a_time() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let workers = ground.workers();
    let id = ground.create(&json!({})).await;
    ground.until_status(&id, "completed").await;
    ground.until_idle().await;
    let campaign = number(&id);
    let many = format!(
        "INSERT INTO messages (campaign_id, customer_id, channel, address, status, error_code, failed_at, due_at, unit) \
         SELECT {campaign}, c.id, 'whatsapp', 'x', 'failed', 'refused', now() - INTERVAL '1 hour', now(), n \
         FROM (SELECT id FROM customers LIMIT 1) c, generate_series(1, 5003) n; \
         UPDATE campaigns SET status = 'paused' WHERE id = {campaign}"
    );
    ground.client.batch_execute(&many).await.unwrap();
    let retried =
        ground.post(&format!("/api/campaigns/{id}/retry"), &json!({"errorCodes": ["refused"]})).await.data(200);
    assert_eq!(retried["messages"], json!(5_003));
    let job = format!("/api/jobs/{}?wait=20s", retried["jobId"].as_str().unwrap());
    let done = ground.get(&job).await;
    assert_eq!((&done["state"], &done["result"]["messages"]), (&json!("succeeded"), &json!(3)), "{done}");
    let pending = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND status = 'pending'");
    assert_eq!(book::number(&ground.client, &pending).await, 5_003);
    assert_eq!(ground.status(&id).await, "paused", "it goes on when a person says so");
    workers.stop().await;
}
