//! Campaigns that begin again and again.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn each_time_is_a_campaign_of_its_own_with_the_audience_of_that_time() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let recurring = json!({"recurrence": {"cron": "0 9 * * *"}, "uploadId": null, "timeZone": "Asia/Kolkata"});
    let id = ground.create(&recurring).await;
    assert_eq!(ground.status(&id).await, "active");
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 0, "not before its time");
    services.clock.advance(TimeDelta::hours(24));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 1);
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 0, "once each time");
    let children = format!("SELECT count(*) FROM campaigns WHERE parent_id = {} AND status = 'completed'", number(&id));
    ground.until_number("the first is through", &children, 1).await;
    book::write(&ground.client, &[Entry::new(2)]).await;
    // three days without a scheduler are made up for by one campaign
    services.clock.advance(TimeDelta::days(3));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 1);
    ground.until_number("the second is through", &children, 2).await;
    let sent = format!(
        "SELECT count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE c.parent_id = {}",
        number(&id)
    );
    assert_eq!(book::number(&ground.client, &sent).await, 3, "one the first time, two the second");
    let listed = ground.get(&format!("/api/campaigns?parentId={id}")).await;
    assert_eq!(listed["campaigns"].as_array().unwrap().len(), 2);

    let status = format!("/api/campaigns/{id}/status");
    ground.put(&status, &json!({"status": "paused"})).await.data(200);
    services.clock.advance(TimeDelta::days(2));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 0, "held");
    ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(
        jobs::campaigns::fire_recurring(services).await.unwrap(),
        0,
        "what was missed while held is not made up for"
    );
    ground.put(&status, &json!({"status": "cancelled"})).await.data(200);
    services.clock.advance(TimeDelta::days(2));
    assert_eq!(jobs::campaigns::fire_recurring(services).await.unwrap(), 0);
    workers.stop().await;
}

#[tokio::test]
async fn one_that_has_an_end_ends_and_may_be_given_more_time() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let services = &ground.api.state.services;
    let until = services.clock.now() + TimeDelta::hours(30);
    let id = ground.create(&json!({"recurrence": {"cron": "0 9 * * *", "until": until.to_rfc3339()}})).await;
    let longer = services.clock.now() + TimeDelta::hours(48);
    let path = format!("/api/campaigns/{id}/extension");
    ground.post(&path, &json!({"recurUntil": longer.to_rfc3339()})).await.data(200);
    ground.post(&path, &json!({"enrolUntil": longer.to_rfc3339()})).await.error(409, "not_extendable");
    for _ in 0..3 {
        services.clock.advance(TimeDelta::hours(24));
        jobs::campaigns::fire_recurring(services).await.unwrap();
    }
    assert_eq!(ground.status(&id).await, "completed");
    let begun = format!("SELECT count(*) FROM campaigns WHERE parent_id = {}", number(&id));
    assert_eq!(book::number(&ground.client, &begun).await, 2);
}
