//! Ladders that are drafts: written anew as what they are, and tried.

use crate::ground::{Ground, Person};
use serde_json::json;

#[tokio::test]
async fn a_ladder_stays_a_ladder_whatever_is_written_about_it() {
    let ground = Ground::new().await;
    ground.people(&[Person::new(1, ground.day(40)), Person::new(2, ground.day(90))]).await;
    let campaign = ground.ladder(&[ground.step(-30)], &json!({"draft": true, "maxMessages": 2})).await;
    let path = format!("/api/campaigns/campaign-{campaign}");
    let blast = json!({
        "name": "Blast", "type": ["email"], "templates": {"email": ground.templates[0]}, "targetAudience": "all",
    });
    ground.put(&path, &blast).await.error(409, "is_a_ladder");
    let change = json!({
        "name": "Motor ladder", "tags": ["motor"], "steps": [ground.step(-30), ground.step(-7)],
        "targetAudience": {"daysToExpiry": {"min": 0, "max": 60}},
    });
    ground.put(&format!("{path}/steps"), &change).await.data(200);
    let read = ground.get(&path).await;
    assert_eq!((&read["name"], &read["tags"]), (&json!("Motor ladder"), &json!(["motor"])));
    assert_eq!(ground.get(&format!("{path}/forecast")).await["recipients"], json!(1), "whom the new target names");
    // what is not said stays
    ground.put(&format!("{path}/steps"), &json!({"steps": [ground.step(-7)]})).await.data(200);
    let again = ground.get(&path).await;
    assert_eq!((&again["name"], &again["targetAudience"]), (&read["name"], &read["targetAudience"]));
    let told = ground.get(&format!("/api/audit?entityId=campaign-{campaign}&action=campaign.rewritten")).await;
    assert_eq!(told["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_text_of_a_ladder_can_be_tried_or_those_of_one_step() {
    let ground = Ground::new().await;
    let mut first = ground.step(-30);
    first["fallback"] =
        json!({"channel": "sms", "templateId": ground.templates[2], "unless": "delivered", "hours": 24});
    let steps = [first, ground.step_on(-7, 1), ground.step(-1)];
    let campaign = ground.ladder(&steps, &json!({"draft": true})).await;
    let path = format!("/api/campaigns/campaign-{campaign}/test-send");
    let mails = ground.post(&path, &json!({"to": "me@example.com"})).await.data(202);
    assert_eq!(mails["messages"].as_array().unwrap().len(), 2, "two steps are mails");
    let texts = ground.post(&path, &json!({"to": "+919876543210", "step": 0})).await.data(202);
    assert_eq!(texts["messages"].as_array().unwrap().len(), 1, "the fallback of the first step");
    let channels = "SELECT channel::TEXT FROM messages ORDER BY id";
    assert_eq!(ground.texts(channels).await, ["email", "email", "sms"]);
    ground.post(&path, &json!({"to": "me@example.com", "step": 1})).await.error(400, "validation_failed");
}
