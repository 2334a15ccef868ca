//! A second person's word, or a launch, that comes after the latest start: nothing goes out until a person says so again.

use crate::{book::Entry, ground::Ground};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use serde_json::{Value, json};

fn by_seven(ground: &Ground) -> Value {
    let at = ground.api.state.services.clock.now() + TimeDelta::hours(6);
    json!({"scheduledAt": at.to_rfc3339(), "latestStart": (at + TimeDelta::hours(1)).to_rfc3339()})
}

#[tokio::test]
async fn agreed_to_too_late_it_is_missed_and_its_author_is_told() {
    let entries = [Entry::new(1), Entry::new(2), Entry::new(3)];
    let ground = Ground::with(&entries, &[("CAMPAIGN_APPROVAL_RECIPIENTS", "2")]).await;
    let id = ground.create(&by_seven(&ground)).await;
    assert_eq!(ground.status(&id).await, "awaiting_approval");
    ground.api.state.services.clock.advance(TimeDelta::hours(8));
    let second = ground.api.user(SystemRole::Administrator).await;
    let approval = format!("/api/campaigns/{id}/approval");
    let token = ground.api.session(second.id).await;
    let word = ground.api.post(&approval).bearer(&token).json(&json!({"approved": true})).send().await.data(200);
    assert_eq!(word["status"], json!("missed"));
    let told = "SELECT count(*) FROM notifications WHERE type = 'campaign_missed'";
    assert_eq!(crate::book::number(&ground.client, told).await, 1);
    // its author confirms it: it was agreed to
    let launched = ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    assert_eq!(launched["status"], json!("preparing"));
}

#[tokio::test]
async fn launched_too_late_a_draft_is_missed_and_may_be_given_more_time() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let mut draft = by_seven(&ground);
    draft["asDraft"] = json!(true);
    let id = ground.create(&draft).await;
    let services = &ground.api.state.services;
    services.clock.advance(TimeDelta::hours(8));
    let launched = ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    assert_eq!(launched["status"], json!("missed"));
    let until = services.clock.now() + TimeDelta::hours(2);
    let more = json!({"latestStart": until.to_rfc3339()});
    ground.post(&format!("/api/campaigns/{id}/extension"), &more).await.data(200);
    assert_eq!(jobs::campaigns::fire_due(services).await.unwrap(), 1);
    assert_eq!(ground.status(&id).await, "preparing");
}
