//! What somebody makes of a colleague's campaign reaches no further than they do.

use crate::ground::{Ground, HEAD};
use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::TestUser;

async fn draft(ground: &Ground, by: &TestUser) -> (String, Value) {
    let template: i64 = ground.number("SELECT min(id) FROM templates").await;
    let request = json!({
        "name": "Everybody", "type": ["whatsapp"], "templates": {"whatsapp": format!("template-{template}")},
        "targetAudience": "all", "asDraft": true,
    });
    let written = ground.api.post("/api/campaigns").by(by).json(&request).send().await.data(201);
    (written["campaigns"][0]["id"].as_str().unwrap().to_owned(), request)
}

#[tokio::test]
async fn a_copy_and_a_draft_written_anew_address_whom_their_writer_reaches() {
    let ground = Ground::new().await;
    let head = ground.person(HEAD, ground.here).await;
    ground.world(head.id, ground.here).await;
    ground.world_there().await;
    // of the same branch, and reaches all of them
    let chief = ground.person(SystemRole::Administrator.as_str(), ground.here).await;
    let (id, request) = draft(&ground, &chief).await;
    let forecast = async |id: &str| {
        ground.api.get(&format!("/api/campaigns/{id}/forecast")).by(&head).send().await.data(200)["recipients"].clone()
    };
    assert_eq!(forecast(&id).await, json!(2), "the chief's own campaign is for both branches");
    let copied = ground.api.post(&format!("/api/campaigns/{id}/clone")).by(&head).json(&json!({})).send().await;
    let copy = copied.data(200)["id"].as_str().unwrap().to_owned();
    assert_eq!(forecast(&copy).await, json!(1));
    let rehearsed = ground.api.post(&format!("/api/campaigns/{id}/rehearsal")).by(&head).json(&json!({})).send().await;
    let rehearsal = rehearsed.data(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(forecast(&rehearsal).await, json!(1));
    ground.api.put(&format!("/api/campaigns/{id}")).by(&head).json(&request).send().await.data(200);
    assert_eq!(forecast(&id).await, json!(1));
    // it is still its author's as well
    ground.api.get(&format!("/api/campaigns/{id}")).by(&chief).send().await.data(200);
}
