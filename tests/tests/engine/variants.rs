//! Texts tried against each other: split by a stable hash, decided by a test, the rest gets what won.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::TimeDelta;
use domain::campaigns::split;
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

async fn two_texts(ground: &Ground, test: serde_json::Value) -> String {
    let other = book::template(&ground.client, "Hello {name}, it is time").await;
    let variants = json!([{"label": "A"}, {"label": "B", "templateId": format!("template-{other}")}]);
    ground.create(&json!({"variants": variants, "test": test})).await
}

fn entries(count: i64) -> Vec<Entry> {
    (1..=count).map(Entry::new).collect()
}

#[tokio::test]
async fn the_rest_gets_what_won() {
    let ground = Ground::new(&entries(400)).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let test = json!({"metric": "clicked", "sharePercent": 50, "hours": 2, "confidencePercent": 95});
    let id = two_texts(&ground, test).await;
    let campaign = number(&id);
    let tried = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND variant_id IS NOT NULL");
    // the sandbox refuses some
    let sent = format!("{tried} AND status NOT IN ('pending', 'sending')");
    ground
        .until_number(
            "the audience is written",
            &format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign}"),
            400,
        )
        .await;
    let share = book::number(&ground.client, &tried).await;
    assert!((150..=250).contains(&share), "about half is tried: {share}");
    ground.until_number("those that are tried are sent", &sent, share).await;

    // the split is that of the rule
    let rows = ground
        .client
        .query(
            "SELECT m.customer_id, v.label::TEXT FROM messages m LEFT JOIN campaign_variants v ON v.id = m.variant_id \
         WHERE m.campaign_id = $1",
            &[&campaign],
        )
        .await
        .unwrap();
    let shares = split::shares(&[1, 1], 50);
    for row in &rows {
        let bucket = split::bucket(&format!("campaign-{campaign}"), row.get(0));
        let place = shares.iter().position(|(low, high)| (*low..*high).contains(&bucket));
        let label: Option<String> = row.get(1);
        assert_eq!(label.as_deref(), place.map(|place| ["A", "B"][place]));
    }

    // B is followed by most, A by hardly anybody
    ground.client.execute(
        "UPDATE messages m SET clicked_at = now() FROM campaign_variants v WHERE v.id = m.variant_id AND v.campaign_id = $1 \
         AND ((v.label = 'B' AND m.id % 10 < 8) OR (v.label = 'A' AND m.id % 10 < 1))", &[&campaign]).await.unwrap();
    let shown = ground.get(&format!("/api/campaigns/{id}/variants")).await;
    assert_eq!((&shown["winner"], &shown["isSure"]), (&json!(null), &json!(true)), "{shown}");
    services.clock.advance(TimeDelta::hours(3));
    let waits =
        format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND held_for = 'awaiting_winner'");
    ground.until_number("nobody waits", &waits, 0).await;
    // no clock moves: lanes that had nothing due wake
    let all = format!(
        "SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND status NOT IN ('pending', 'sending')"
    );
    ground.until_number("everybody got one", &all, 400).await;
    ground.until_status(&id, "completed").await;
    let shown = ground.get(&format!("/api/campaigns/{id}/variants")).await;
    assert_eq!((&shown["winner"], &shown["basis"]["isSure"]), (&json!("B"), &json!(true)));
    let wrong = format!(
        "SELECT count(*) FROM messages m JOIN campaign_variants v ON v.campaign_id = m.campaign_id AND v.label = 'B' \
         WHERE m.campaign_id = {campaign} AND m.variant_id IS NULL AND m.template_id <> v.template_id"
    );
    assert_eq!(book::number(&ground.client, &wrong).await, 0, "the rest has B's text");
    workers.stop().await;
}

#[tokio::test]
async fn a_person_decides_where_that_was_asked_for() {
    let ground = Ground::new(&entries(40)).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let test = json!({"metric": "opened", "sharePercent": 30, "hours": 1, "automatic": false});
    let id = two_texts(&ground, test).await;
    let campaign = number(&id);
    let waits =
        format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND held_for = 'awaiting_winner'");
    let first = format!(
        "SELECT count(*) FROM (SELECT 1 FROM messages WHERE campaign_id = {campaign} AND sent_at IS NOT NULL LIMIT 1) AS x"
    );
    ground.until_number("it is tried", &first, 1).await;
    let waiting = book::number(&ground.client, &waits).await;
    assert!(waiting > 15, "{waiting}");
    services.clock.advance(TimeDelta::hours(2));
    let told = "SELECT count(*) FROM notifications WHERE type = 'campaign_test_ended'";
    ground.until_number("the author is told", told, 1).await;
    assert_eq!(book::number(&ground.client, &waits).await, waiting, "and nobody gets anything meanwhile");
    let path = format!("/api/campaigns/{id}/winner");
    ground.post(&path, &json!({"variant": "C"})).await.error(400, "validation_failed");
    ground.post(&path, &json!({"variant": "A"})).await.data(202);
    ground.post(&path, &json!({"variant": "B"})).await.error(409, "winner_named");
    ground.until_number("nobody waits", &waits, 0).await;
    // no clock moves: lanes that had nothing due wake
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}

#[tokio::test]
async fn a_test_that_is_decided_before_its_time_goes_on_at_once() {
    let ground = Ground::new(&entries(40)).await;
    let workers = ground.workers();
    let id = two_texts(&ground, json!({"metric": "opened", "sharePercent": 30, "hours": 48})).await;
    let campaign = number(&id);
    let tried = format!(
        "SELECT count(*) FROM messages \
         WHERE campaign_id = {campaign} AND variant_id IS NOT NULL AND status IN ('pending', 'sending')"
    );
    let written = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign}");
    ground.until_number("the audience is written", &written, 40).await;
    ground.until_number("those that are tried are sent", &tried, 0).await;
    ground.until_idle().await;
    ground.post(&format!("/api/campaigns/{id}/winner"), &json!({"variant": "B"})).await.data(202);
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}

#[tokio::test]
async fn where_nobody_can_be_reached_to_try_it_the_rest_gets_it_all_the_same() {
    let meta = MetaServer::start(Behaviour { unreachable: 1.0, ..Behaviour::default() }).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground = Ground::with(&entries(40), &variables).await;
    let workers = ground.workers();
    let id = two_texts(&ground, json!({"metric": "clicked", "sharePercent": 50, "hours": 1})).await;
    let campaign = number(&id);
    let tried = format!(
        "SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND variant_id IS NOT NULL AND status = 'pending'"
    );
    ground.until_status(&id, "active").await;
    ground.until_number("all of the test are refused", &tried, 0).await;
    meta.change(|behaviour| behaviour.unreachable = 0.0);
    let services = &ground.api.state.services;
    services.clock.advance(TimeDelta::hours(2));
    let waits = "SELECT count(*) FROM messages WHERE held_for = 'awaiting_winner'";
    ground.until_number("nobody waits", waits, 0).await;
    // a lane that had nothing due looks again within ten minutes
    services.clock.advance(TimeDelta::minutes(11));
    ground.until_status(&id, "completed").await;
    let sent = format!("SELECT count(*) FROM messages WHERE campaign_id = {campaign} AND sent_at IS NOT NULL");
    assert_eq!(book::number(&ground.client, &sent).await, i64::try_from(meta.accepted_count()).unwrap());
    assert!(meta.accepted_count() > 0);
    workers.stop().await;
}

#[tokio::test]
async fn the_rest_gets_what_won_at_its_own_time_as_well() {
    let ground = Ground::new(&entries(40)).await;
    let services = &ground.api.state.services;
    let day = services.clock.now().date_naive() + TimeDelta::days(1);
    // nine in the morning in India
    services.clock.advance(day.and_hms_opt(3, 30, 0).unwrap().and_utc() - services.clock.now());
    let workers = ground.workers();
    let other = book::template(&ground.client, "Hello {name}, it is time").await;
    let request = json!({
        "variants": [{"label": "A"}, {"label": "B", "templateId": format!("template-{other}")}],
        "test": {"metric": "clicked", "sharePercent": 50, "hours": 2},
        "sendTime": {"mode": "recipientTime", "at": "10:00"},
    });
    let id = ground.create(&request).await;
    ground.until_status(&id, "active").await;
    services.clock.advance(TimeDelta::minutes(61));
    let tried = "SELECT count(*) FROM messages WHERE variant_id IS NOT NULL AND status IN ('pending', 'sending')";
    ground.until_number("those of the test got it at ten", tried, 0).await;
    services.clock.advance(TimeDelta::hours(3));
    let waits = "SELECT count(*) FROM messages WHERE held_for = 'awaiting_winner'";
    ground.until_number("it is decided", waits, 0).await;
    let due = "SELECT DISTINCT to_char(due_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI') FROM messages \
               WHERE variant_id IS NULL";
    assert_eq!(book::texts(&ground.client, due).await, [format!("{} 10:00", day + TimeDelta::days(1))]);
    workers.stop().await;
}
