//! A campaign that goes wrong pauses by itself, and a person who resumes it gives it as many tries again.

use crate::{book::Entry, ground::Ground};
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

#[tokio::test]
async fn too_many_failures_hold_it_until_a_person_looks() {
    // a number that nobody may send from: every message is refused for good
    let meta = MetaServer::start(Behaviour { unreachable: 1.0, ..Behaviour::default() }).await.unwrap();
    let mut environment = meta.environment();
    environment.push(("WHATSAPP_RATE_PER_SECOND", "5".to_owned()));
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let entries: Vec<Entry> = (1..=60).map(Entry::new).collect();
    let ground = Ground::with(&entries, &variables).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"limits": {"failurePercent": 20, "atLeast": 5}})).await;
    ground.until_status(&id, "paused").await;
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!(read["error"], json!("100.0 % of its messages fail"));
    let held = ground.get(&format!("/api/audit?entityId={id}&action=campaign.held")).await;
    let told = &held["entries"][0];
    assert_eq!((&told["by"], &told["after"]["reason"]), (&json!("system"), &read["error"]));
    let pending = "SELECT count(*) FROM messages WHERE status = 'pending'";
    assert!(crate::book::number(&ground.client, pending).await > 0, "the rest is not tried");
    ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    let tried = "SELECT count(*) FROM messages WHERE status = 'failed'";
    let before = crate::book::number(&ground.client, tried).await;
    ground.until_status(&id, "paused").await;
    assert!(crate::book::number(&ground.client, tried).await >= before + 5, "as many are tried again");
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!(read["plan"]["limits"]["atLeast"], json!(5), "what was said of it stays");
    // a pause of a person's own is no reason to judge less
    let status = format!("/api/campaigns/{id}/status");
    ground.put(&status, &json!({"status": "active"})).await.data(200);
    let from = "SELECT judged_from::TEXT FROM campaigns";
    let known = crate::book::texts(&ground.client, from).await;
    ground.put(&status, &json!({"status": "paused"})).await.data(200);
    ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(crate::book::texts(&ground.client, from).await, known);
    workers.stop().await;
}
