//! The history of a campaign: whoever moves it, a person or the platform, the audit log tells of it.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// What the log tells of a campaign, oldest first: who did what, and where it stood before and after.
async fn history(ground: &Ground, id: &str) -> Vec<String> {
    let told = ground.get(&format!("/api/audit?entityId={id}&limit=100")).await;
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |entry: &Value| {
        let (before, after) = (text(&entry["before"]["status"]), text(&entry["after"]["status"]));
        format!("{} {} {before} {after}", text(&entry["by"]), text(&entry["action"]))
    };
    let mut lines: Vec<String> = told["entries"].as_array().unwrap().iter().map(line).collect();
    lines.reverse();
    lines
}

#[tokio::test]
async fn a_timed_campaign_tells_of_each_step_from_its_writing_to_its_end() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let services = &ground.api.state.services;
    let at = services.clock.now() + TimeDelta::hours(2);
    let id = ground.create(&json!({"scheduledAt": at.to_rfc3339()})).await;
    services.clock.advance(TimeDelta::hours(3));
    assert_eq!(jobs::campaigns::fire_due(services).await.unwrap(), 1);
    assert_eq!(jobs::campaigns::fire_due(services).await.unwrap(), 0);
    let workers = ground.workers();
    ground.until_status(&id, "completed").await;
    assert_eq!(
        history(&ground, &id).await,
        [
            "user campaign.created - scheduled",
            "system campaign.fired scheduled preparing",
            "system campaign.activated preparing active",
            "system campaign.completed active completed"
        ]
    );
    workers.stop().await;
}

#[tokio::test]
async fn what_is_missed_extended_asked_for_stopped_and_taken_back_is_told() {
    let ground = Ground::with(&[Entry::new(1), Entry::new(2), Entry::new(3)], &[]).await;
    let services = &ground.api.state.services;
    let at = services.clock.now() + TimeDelta::hours(1);
    let latest = at + TimeDelta::hours(1);
    let timed = json!({"scheduledAt": at.to_rfc3339(), "latestStart": latest.to_rfc3339(), "perHour": 1});
    let id = ground.create(&timed).await;
    services.clock.advance(TimeDelta::hours(3));
    jobs::campaigns::fire_due(services).await.unwrap();
    assert_eq!(ground.status(&id).await, "missed");
    let longer = json!({"latestStart": (services.clock.now() + TimeDelta::hours(1)).to_rfc3339()});
    ground.post(&format!("/api/campaigns/{id}/extension"), &longer).await.data(200);
    jobs::campaigns::fire_due(services).await.unwrap();
    let workers = ground.workers();
    let sent = "SELECT count(*) FROM messages WHERE sent_at IS NOT NULL";
    ground.until_number("the first has gone", sent, 1).await;
    ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "cancelled"})).await.data(200);
    let query = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'campaign.taken_back' AND entity_id = {} AND after ->> 'messages' = '2'",
        number(&id)
    );
    ground.until_number("the end of the stop is told once", &query, 1).await;
    assert_eq!(
        history(&ground, &id).await,
        [
            "user campaign.created - scheduled",
            "system campaign.missed scheduled missed",
            "user campaign.extended missed scheduled",
            "system campaign.fired scheduled preparing",
            "system campaign.activated preparing active",
            "user campaign.stopped active cancelled",
            "system campaign.taken_back - cancelled"
        ]
    );
    workers.stop().await;
}

#[tokio::test]
async fn what_cannot_go_on_and_what_begins_again_is_told() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let id = ground.create(&json!({"recurrence": {"cron": "0 9 * * *"}, "uploadId": null})).await;
    services.clock.advance(TimeDelta::hours(24));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 1);
    let listed = ground.get(&format!("/api/campaigns?parentId={id}")).await;
    let child = listed["campaigns"][0]["id"].as_str().unwrap().to_owned();
    ground.until_status(&child, "completed").await;
    assert_eq!(
        history(&ground, &child).await,
        [
            "system campaign.created - preparing",
            "system campaign.activated preparing active",
            "system campaign.completed active completed"
        ]
    );
    ground.client.execute("UPDATE templates SET is_active = FALSE", &[]).await.unwrap();
    services.clock.advance(TimeDelta::hours(24));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 1);
    let failed = "SELECT count(*) FROM campaigns WHERE status = 'failed'";
    ground.until_number("its text is not to be used any more", failed, 1).await;
    let told = book::texts(
        &ground.client,
        "SELECT (before ->> 'status') || ' ' || (after ->> 'reason') FROM audit_log WHERE action = 'campaign.failed'",
    )
    .await;
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("preparing "), "{told:?}");
    workers.stop().await;
}
