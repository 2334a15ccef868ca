//! Written down, written anew, copied, deleted, launched.

use crate::{book::Entry, ground::Ground};
use chrono::TimeDelta;
use serde_json::{Value, json};

#[tokio::test]
async fn a_draft_is_written_anew_and_sends_nothing_until_it_is_launched() {
    let ground = Ground::new(&[Entry::new(1), Entry::new(2)]).await;
    let created = ground.post("/api/campaigns", &ground.request(&json!({"asDraft": true}))).await.data(201);
    let id = created["campaigns"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((&created["campaigns"][0]["status"], &created["jobId"]), (&json!("draft"), &Value::Null));
    let other = json!({"name": "June", "tags": ["Motor", "motor ", "june"], "perHour": 600});
    let read = ground.put(&format!("/api/campaigns/{id}"), &ground.request(&other)).await.data(200);
    assert_eq!(
        (&read["name"], &read["tags"], &read["status"]),
        (&json!("June"), &json!(["june", "motor"]), &json!("draft"))
    );
    assert_eq!(read["plan"]["pace"], json!({"perHour": 600}));
    let found = ground.get("/api/campaigns?tag=JUNE").await;
    assert_eq!(found["campaigns"].as_array().unwrap().len(), 1);
    assert!(ground.get("/api/campaigns?tag=other").await["campaigns"].as_array().unwrap().is_empty());

    let workers = ground.workers();
    ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await.data(200);
    ground.until_number("both are due", "SELECT count(*) FROM messages", 2).await;
    let refused = ground.put(&format!("/api/campaigns/{id}"), &ground.request(&json!({}))).await;
    refused.error(409, "not_a_draft");
    let refused = ground.api.delete(&format!("/api/campaigns/{id}")).by(&ground.manager).send().await;
    refused.error(409, "not_a_draft");
    workers.stop().await;
}

#[tokio::test]
async fn a_copy_is_a_draft_with_all_that_was_written_and_nothing_that_became_of_it() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"tags": ["spring"], "attributionDays": 21})).await;
    ground.until_status(&id, "completed").await;
    let copied = ground.post(&format!("/api/campaigns/{id}/clone"), &json!({})).await.data(200);
    assert_eq!((&copied["name"], &copied["status"]), (&json!("May (copy)"), &json!("draft")));
    let copy = copied["id"].as_str().unwrap();
    let read = ground.get(&format!("/api/campaigns/{copy}")).await;
    assert_eq!((&read["tags"], &read["plan"]["attributionDays"]), (&json!(["spring"]), &json!(21)));
    assert_eq!(
        (&read["sentCount"], &read["audienceReady"], &read["startedAt"]),
        (&json!(0), &json!(false), &Value::Null)
    );
    assert_eq!(read["templateId"], json!(format!("template-{}", ground.template)));
    ground.api.delete(&format!("/api/campaigns/{copy}")).by(&ground.manager).send().await.data(200);
    let gone = ground.api.get(&format!("/api/campaigns/{copy}")).by(&ground.manager).send().await;
    gone.error(404, "not_found");
    workers.stop().await;
}

#[tokio::test]
async fn what_has_not_begun_is_taken_back() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let at = ground.api.state.services.clock.now() + TimeDelta::days(3);
    let id = ground.create(&json!({"scheduledAt": at.to_rfc3339()})).await;
    assert_eq!(ground.status(&id).await, "scheduled");
    let status = format!("/api/campaigns/{id}/status");
    ground.put(&status, &json!({"status": "draft"})).await.data(200);
    assert_eq!(ground.status(&id).await, "draft");
    ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(ground.status(&id).await, "scheduled", "it still has its time");
}

#[tokio::test]
async fn faults_of_how_it_goes_out_are_told_by_their_fields() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let template = format!("template-{}", ground.template);
    for (other, field) in [
        (json!({"perHour": 1, "overDays": 1}), "perHour"),
        (json!({"perHour": 0}), "pace"),
        (json!({"sendTime": {"mode": "recipientTime", "at": "25:00"}}), "sendTime.at"),
        (json!({"sendWindows": [{"days": ["FUNDAY"], "from": "09:00", "until": "10:00"}]}), "sendWindows.days"),
        (json!({"recurrence": {"cron": "* * * * *"}}), "recurrence"),
        (json!({"variants": [{"label": "A"}, {"label": "A"}], "test": {"metric": "opened"}}), "variants.label"),
        (json!({"variants": [{"label": "A"}, {"label": "B"}]}), "test"),
        (json!({"test": {"metric": "opened"}}), "variants"),
        (
            json!({"variants": [{"label": "A"}, {"label": "B", "type": "sms"}], "test": {"metric": "opened"}}),
            "variants.templateId",
        ),
        (
            json!({"variants": [{"label": "A"}, {"label": "B", "type": "sms", "templateId": template}],
                "test": {"metric": "opened"}}),
            "variants.B",
        ),
        (json!({"tags": [" "]}), "tags"),
        (json!({"attributionDays": 0}), "attributionDays"),
    ] {
        let answer = ground.post("/api/campaigns", &ground.request(&other)).await;
        let error = answer.error(400, "validation_failed");
        assert_eq!(error["details"]["fields"][0]["field"], json!(field), "{other} {error}");
    }
    assert_eq!(crate::book::number(&ground.client, "SELECT count(*) FROM campaigns").await, 0);
}
