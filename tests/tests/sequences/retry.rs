//! Failed messages of a ladder that are tried again: not what a fallback said already, and not what was passed over.

use crate::ground::{Ground, Person, SENDING};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn only_the_step_a_policy_stands_at_is_tried_again_and_not_behind_its_fallback() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    let person = |number, phone| Person { phone: Some(phone), ..Person::new(number, ends) };
    ground.people(&[person(1, "+919876543211"), person(2, "+919876543212")]).await;
    let with_fallback = |days| {
        let mut step = ground.step(days);
        step["fallback"] =
            json!({"channel": "sms", "templateId": ground.templates[2], "unless": "delivered", "hours": 24});
        step
    };
    let campaign = ground.ladder(&[ground.step(-30), with_fallback(-15), ground.step(-1)], &json!({})).await;
    ground.settle().await;
    let fail = "UPDATE messages SET status = 'failed', failed_at = updated_at, error_code = 'refused', sent_at = NULL, \
                provider_message_id = NULL, bounce = NULL WHERE channel = 'email'";
    for days in [-30, -15] {
        ground.move_to_day(ends, days).await;
        ground.run(fail).await;
    }
    let path = format!("/api/campaigns/campaign-{campaign}/retry");
    // before its fallback is due, the step that both stand at; not the one before
    assert_eq!(ground.post(&path, &json!({})).await.data(200)["messages"], json!(2));
    ground.settle().await;
    let first = "SELECT count(*) FROM messages WHERE step = 0 AND status = 'failed'";
    assert_eq!(ground.number(first).await, 2, "its time has gone");
    ground.run(&format!("{fail} AND step = 1")).await;
    ground.move_to(ground.now() + TimeDelta::hours(30)).await;
    let fell =
        "SELECT count(*) FROM messages WHERE step = 1 AND channel = 'sms' AND status IN ('sent', 'delivered', 'read')";
    let reached = ground.number(fell).await;
    assert!(reached > 0, "the sandbox takes most");
    let retried = ground.post(&path, &json!({})).await.data(200)["messages"].as_i64().unwrap();
    assert!(retried <= 2 * (2 - reached), "{retried} of those whom the other channel did not reach");
    workers.stop().await;
}
