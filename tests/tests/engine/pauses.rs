//! A paced campaign that is held and let go on, by a person or by its windows: its pace holds.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn the_pace_holds_after_a_pause() {
    let entries: Vec<Entry> = (1..=8).map(Entry::new).collect();
    let ground = Ground::new(&entries).await;
    let clock = &ground.api.state.services.clock;
    let workers = ground.workers();
    let id = ground.create(&json!({"perHour": 60})).await;
    let sent = format!("SELECT count(*) FROM messages WHERE campaign_id = {} AND attempts > 0", number(&id));
    let path = format!("/api/campaigns/{id}/status");
    ground.until_number("the first goes at once", &sent, 1).await;
    clock.advance(TimeDelta::seconds(61));
    ground.until_number("the second a minute later", &sent, 2).await;
    for (held, before) in [(TimeDelta::hours(3), 2), (TimeDelta::minutes(40), 5)] {
        ground.until_idle().await;
        ground.put(&path, &json!({"status": "paused"})).await.data(200);
        clock.advance(held);
        // a lane that wakes meanwhile finds it held, and ends
        ground.until_idle().await;
        ground.put(&path, &json!({"status": "active"})).await.data(200);
        ground.until_number("two that are late", &sent, before + 2).await;
        ground.until_idle().await;
        assert_eq!(book::number(&ground.client, &sent).await, before + 2, "nothing more bursts out after {held}");
        clock.advance(TimeDelta::seconds(61));
        ground.until_number("the next a minute later", &sent, before + 3).await;
        ground.until_idle().await;
        assert_eq!(book::number(&ground.client, &sent).await, before + 3, "and only one");
    }
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}

#[tokio::test]
async fn the_pace_holds_when_a_window_opens() {
    let entries: Vec<Entry> = (1..=6).map(Entry::new).collect();
    let ground = Ground::new(&entries).await;
    let clock = &ground.api.state.services.clock;
    let evening = clock.now().date_naive().and_hms_opt(15, 30, 0).unwrap().and_utc() + TimeDelta::days(1);
    clock.advance(evening - clock.now());
    let workers = ground.workers();
    // nine in the evening in India
    let days = json!(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]);
    let windows = json!([{"days": days, "from": "09:00", "until": "18:00"}]);
    let id = ground.create(&json!({"perHour": 60, "sendWindows": windows})).await;
    let held = format!(
        "SELECT count(*) FROM messages WHERE campaign_id = {} AND status = 'pending' AND held_for = 'send_window'",
        number(&id)
    );
    for held_now in 1..=6 {
        ground.until_number("each is held as its turn comes", &held, held_now).await;
        ground.until_idle().await;
        clock.advance(TimeDelta::seconds(61));
    }
    let sent = format!("SELECT count(*) FROM messages WHERE campaign_id = {} AND attempts > 0", number(&id));
    clock.advance(evening + TimeDelta::hours(12) + TimeDelta::seconds(1) - clock.now());
    for (turn, expected) in [2, 3, 4, 5, 6].into_iter().enumerate() {
        ground.until_number("two at its opening, then one a minute", &sent, expected).await;
        ground.until_idle().await;
        assert_eq!(book::number(&ground.client, &sent).await, expected, "turn {turn}");
        clock.advance(TimeDelta::seconds(61));
    }
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}

#[tokio::test]
async fn without_a_pace_what_is_overdue_goes_at_once() {
    let entries: Vec<Entry> = (1..=4).map(Entry::new).collect();
    let ground = Ground::new(&entries).await;
    let at = ground.api.state.services.clock.now() + TimeDelta::hours(1);
    let id = ground.create(&json!({"scheduledAt": at.to_rfc3339()})).await;
    let services = &ground.api.state.services;
    services.clock.advance(TimeDelta::hours(2));
    jobs::campaigns::fire_due(services).await.unwrap();
    let path = format!("/api/campaigns/{id}/status");
    ground.put(&path, &json!({"status": "paused"})).await.data(200);
    let workers = ground.workers();
    let written = format!("SELECT count(*) FROM messages WHERE campaign_id = {}", number(&id));
    ground.until_number("its audience is written all the same", &written, 4).await;
    ground.until_idle().await;
    services.clock.advance(TimeDelta::hours(5));
    ground.put(&path, &json!({"status": "active"})).await.data(200);
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}
