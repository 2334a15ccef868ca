//! The whole of a campaign over the sandbox: nobody gets anything, and nothing of it counts for anybody.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

#[tokio::test]
async fn a_rehearsal_goes_to_everybody_and_nobody() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground =
        Ground::with(&[Entry::new(1), Entry::new(2), Entry { phone: None, ..Entry::new(3) }], &variables).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"asDraft": true})).await;
    let rehearsal = ground.post(&format!("/api/campaigns/{id}/rehearsal"), &json!({})).await.data(202);
    let of = rehearsal["id"].as_str().unwrap();
    assert_eq!(rehearsal["name"], json!("May (rehearsal)"));
    ground.until_status(of, "completed").await;
    assert_eq!(ground.get(&format!("/api/campaigns/{of}")).await["rehearsal"], json!(true));
    let sent = format!(
        "SELECT count(*) FROM messages WHERE campaign_id = {} AND rehearsal AND sent_at IS NOT NULL AND provider = 'sandbox'",
        number(of)
    );
    assert_eq!(book::number(&ground.client, &sent).await, 2);
    assert_eq!(meta.accepted_count(), 0, "nobody got anything");
    assert_eq!(ground.status(&id).await, "draft", "the original is as it was");
    ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    ground.until_status(&id, "completed").await;
    assert_eq!(meta.accepted_count(), 2);
    workers.stop().await;
}
