//! Whose work a campaign is: whoever wrote it last is no second person, and a word is about what was looked at.

use crate::{
    book::Entry,
    ground::{Ground, number},
};
use domain::permissions::SystemRole;
use serde_json::json;

const ABOVE_TWO: &[(&str, &str)] = &[("CAMPAIGN_APPROVAL_RECIPIENTS", "2")];

async fn ground() -> Ground {
    Ground::with(&[Entry::new(1), Entry::new(2), Entry::new(3)], ABOVE_TWO).await
}

#[tokio::test]
async fn who_wrote_it_anew_cannot_agree_to_it_and_neither_can_its_author() {
    let ground = ground().await;
    let id = ground.create(&json!({"asDraft": true})).await;
    let (path, approval) = (format!("/api/campaigns/{id}"), format!("/api/campaigns/{id}/approval"));
    let second = ground.api.user(SystemRole::Administrator).await;
    let other = ground.request(&json!({"name": "June"}));
    ground.api.put(&path).by(&second).json(&other).send().await.data(200);
    let launch = json!({"status": "active"});
    let launched = ground.api.put(&format!("{path}/status")).by(&second).json(&launch).send().await.data(200);
    assert_eq!(launched["status"], json!("awaiting_approval"));
    let word = json!({"approved": true});
    ground.api.post(&approval).by(&second).json(&word).send().await.error(403, "own_campaign");
    ground.post(&approval, &word).await.error(403, "own_campaign");
    let third = ground.api.user(SystemRole::Administrator).await;
    let agreed = ground.api.post(&approval).by(&third).json(&word).send().await.data(200);
    assert_eq!(agreed["status"], json!("preparing"));
}

#[tokio::test]
async fn what_was_changed_since_it_was_looked_at_is_not_agreed_to() {
    let ground = ground().await;
    let id = ground.create(&json!({})).await;
    let path = format!("/api/campaigns/{id}");
    let seen = ground.get(&path).await["updatedAt"].clone();
    let status = format!("{path}/status");
    ground.put(&status, &json!({"status": "draft"})).await.data(200);
    ground.put(&path, &ground.request(&json!({"name": "Another"}))).await.data(200);
    let asked = ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(asked["status"], json!("awaiting_approval"));
    let second = ground.api.user(SystemRole::Administrator).await;
    let approval = format!("{path}/approval");
    let word = json!({"approved": true, "updatedAt": seen});
    ground.api.post(&approval).by(&second).json(&word).send().await.error(409, "changed_meanwhile");
    assert_eq!(ground.status(&id).await, "awaiting_approval");
    let word = json!({"approved": true, "updatedAt": ground.get(&path).await["updatedAt"]});
    let agreed = ground.api.post(&approval).by(&second).json(&word).send().await.data(200);
    assert_eq!(agreed["status"], json!("preparing"));
}

#[tokio::test]
async fn a_rehearsal_written_anew_is_a_rehearsal() {
    let ground = ground().await;
    let id = ground.create(&json!({"asDraft": true})).await;
    let rehearsal = ground.post(&format!("/api/campaigns/{id}/rehearsal"), &json!({})).await.data(202);
    let copied = ground.post(&format!("/api/campaigns/{}/clone", rehearsal["id"].as_str().unwrap()), &json!({})).await;
    let copy = copied.data(200)["id"].as_str().unwrap().to_owned();
    ground.put(&format!("/api/campaigns/{copy}"), &ground.request(&json!({}))).await.data(200);
    let query = format!("SELECT count(*) FROM campaigns WHERE id = {} AND rehearsal", number(&copy));
    assert_eq!(crate::book::number(&ground.client, &query).await, 1);
}
