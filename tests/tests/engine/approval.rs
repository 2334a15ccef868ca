//! A second person's word: asked for before it begins, and again when it has become more than was agreed to.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use domain::permissions::SystemRole;
use serde_json::{Value, json};

const ABOVE_TWO: &[(&str, &str)] = &[("CAMPAIGN_APPROVAL_RECIPIENTS", "2")];

fn entries(count: i64) -> Vec<Entry> {
    (1..=count).map(Entry::new).collect()
}

#[tokio::test]
async fn a_large_campaign_waits_for_somebody_else() {
    let ground = Ground::with(&entries(3), ABOVE_TWO).await;
    let workers = ground.workers();
    let created = ground.post("/api/campaigns", &ground.request(&json!({}))).await.data(201);
    let id = created["campaigns"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(created["campaigns"][0]["status"], json!("awaiting_approval"));
    let approval = format!("/api/campaigns/{id}/approval");
    // who launches it cannot agree to it, nor around it
    let refused = ground.post(&approval, &json!({"approved": true})).await;
    refused.error(403, "own_campaign");
    let around = ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await;
    around.error(409, "illegal_transition");
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM messages").await, 0);

    let second = ground.api.user(SystemRole::Administrator).await;
    let agreed = ground.api.post(&approval).by(&second).json(&json!({"approved": true, "note": "fine"})).send().await;
    assert_eq!(agreed.data(200)["status"], json!("preparing"));
    ground.until_status(&id, "completed").await;
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!((&read["approval"]["state"], &read["approval"]["note"]), (&json!("approved"), &json!("fine")));
    let again = ground.api.post(&approval).by(&second).json(&json!({"approved": true})).send().await;
    again.error(409, "not_awaiting_approval");
    workers.stop().await;
}

#[tokio::test]
async fn one_refused_is_a_draft_again_with_the_reason() {
    let ground = Ground::with(&entries(3), ABOVE_TWO).await;
    let id = ground.create(&json!({})).await;
    let second = ground.api.user(SystemRole::Administrator).await;
    let path = format!("/api/campaigns/{id}/approval");
    let word = json!({"approved": false, "note": "the wrong template"});
    assert_eq!(ground.api.post(&path).by(&second).json(&word).send().await.data(200)["status"], json!("draft"));
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!(
        (&read["approval"]["state"], &read["approval"]["note"]),
        (&json!("rejected"), &json!("the wrong template"))
    );
    let launched = ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    assert_eq!(launched["status"], json!("awaiting_approval"), "it is as large as before");
}

#[tokio::test]
async fn whoever_holds_it_while_its_audience_is_written_does_not_get_around_it() {
    let ground = Ground::with(&entries(2), ABOVE_TWO).await;
    let services = &ground.api.state.services;
    let at = services.clock.now() + chrono::TimeDelta::hours(1);
    let request = json!({"scheduledAt": at.to_rfc3339(), "uploadId": Value::Null});
    let (held, let_go) = (ground.create(&request).await, ground.create(&request).await);
    book::write(&ground.client, &(11..=14).map(Entry::new).collect::<Vec<_>>()).await;
    services.clock.advance(chrono::TimeDelta::hours(2));
    assert_eq!(jobs::campaigns::fire_due(services).await.unwrap(), 2);
    for (id, status) in [(&held, "paused"), (&let_go, "paused"), (&let_go, "active")] {
        ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": status})).await.data(200);
    }
    let workers = ground.workers();
    for id in [&held, &let_go] {
        ground.until_status(id, "awaiting_approval").await;
    }
    ground.until_idle().await;
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM messages WHERE status <> 'pending'").await, 0);
    workers.stop().await;
}

#[tokio::test]
async fn one_that_has_grown_asks_again_when_its_audience_is_written() {
    let ground = Ground::with(&entries(2), ABOVE_TWO).await;
    let at = ground.api.state.services.clock.now() + chrono::TimeDelta::hours(1);
    let id = ground.create(&json!({"scheduledAt": at.to_rfc3339(), "uploadId": Value::Null})).await;
    assert_eq!(ground.status(&id).await, "scheduled", "two are not too many");
    book::write(&ground.client, &(11..=14).map(Entry::new).collect::<Vec<_>>()).await;
    ground.api.state.services.clock.advance(chrono::TimeDelta::hours(2));
    jobs::campaigns::fire_due(&ground.api.state.services).await.unwrap();
    let workers = ground.workers();
    ground.until_status(&id, "awaiting_approval").await;
    ground.until_idle().await;
    let pending = format!("SELECT count(*) FROM messages WHERE campaign_id = {} AND status = 'pending'", number(&id));
    assert_eq!(book::number(&ground.client, &pending).await, 6, "nothing goes out meanwhile");
    let forecast = ground.get(&format!("/api/campaigns/{id}/forecast")).await;
    assert_eq!((&forecast["recipients"], &forecast["exact"]), (&json!(6), &json!(true)));
    let second = ground.api.user(SystemRole::Administrator).await;
    let path = format!("/api/campaigns/{id}/approval");
    ground.api.post(&path).by(&second).json(&json!({"approved": true})).send().await.data(200);
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}
