//! Variants that go out at another hour or over another channel, and templates that are switched off meanwhile.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Pairs who share a phone, each with a mail address of their own.
async fn pairs(count: i64) -> Ground {
    let entry = |number: i64| Entry { phone: Some(format!("+9198000{:05}", (number + 1) / 2)), ..Entry::new(number) };
    let ground = Ground::new(&(1..=count).map(entry).collect::<Vec<_>>()).await;
    ground.client.execute("UPDATE customers SET email = lower(customer_code) || '@example.com'", &[]).await.unwrap();
    ground
}

async fn template(ground: &Ground, channel: &str) -> String {
    let mut written = json!({"name": channel, "type": channel, "content": "Dear {name}"});
    if channel == "email" {
        written["subject"] = json!("Renew");
    }
    ground.post("/api/templates", &written).await.data(201)["templateId"].as_str().unwrap().to_owned()
}

/// A campaign of mails that tries text messages as well.
async fn mails_and_texts(ground: &Ground, share: i64) -> (String, String) {
    let (mail, text) = (template(ground, "email").await, template(ground, "sms").await);
    let request = json!({
        "type": ["email"], "templates": {"email": mail}, "grouping": "address",
        "variants": [{"label": "A"}, {"label": "B", "type": "sms", "templateId": text}],
        "test": {"metric": "clicked", "sharePercent": share, "hours": 5, "automatic": false},
    });
    (ground.create(&request).await, text)
}

const TWICE: &str = "SELECT count(*) FROM (SELECT 1 FROM messages WHERE status <> 'suppressed' AND held_for IS NULL \
                     GROUP BY campaign_id, channel, address HAVING count(*) > 1) AS x";

#[tokio::test]
async fn nobody_gets_two_by_an_address_that_only_the_other_channel_shares() {
    let ground = pairs(80).await;
    let workers = ground.workers();
    let (id, _) = mails_and_texts(&ground, 100).await;
    ground.until_idle().await;
    assert_eq!(book::number(&ground.client, TWICE).await, 0);
    let left = format!(
        "SELECT count(*) FROM campaign_exclusions WHERE campaign_id = {} AND reason = 'duplicate_address'",
        number(&id)
    );
    let left = book::number(&ground.client, &left).await;
    assert!(left > 0, "some pairs are both among those who were to get a text");
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!((&read["targetCount"], &read["excludedCount"]), (&json!(80 - left), &json!(left)), "{read}");
    workers.stop().await;
}

#[tokio::test]
async fn nor_when_the_other_channel_wins_though_its_template_is_switched_off_meanwhile() {
    let ground = pairs(80).await;
    let workers = ground.workers();
    let (id, text) = mails_and_texts(&ground, 30).await;
    ground.until_status(&id, "active").await;
    ground.until_idle().await;
    let off = "UPDATE templates SET is_active = FALSE WHERE 'template-' || id = $1";
    ground.client.execute(off, &[&text]).await.unwrap();
    ground.post(&format!("/api/campaigns/{id}/winner"), &json!({"variant": "B"})).await.data(202);
    ground.until_status(&id, "completed").await;
    assert_eq!(book::number(&ground.client, TWICE).await, 0);
    let told = "SELECT count(*) FROM messages WHERE status = 'suppressed' AND error_code = 'duplicate_address'";
    assert!(book::number(&ground.client, told).await > 0);
    let waits = "SELECT count(*) FROM messages WHERE held_for = 'awaiting_winner'";
    assert_eq!(book::number(&ground.client, waits).await, 0);
    workers.stop().await;
}

#[tokio::test]
async fn a_variant_that_goes_out_later_in_the_day_has_its_time_too() {
    let ground = Ground::new(&(1..=40).map(Entry::new).collect::<Vec<_>>()).await;
    let services = &ground.api.state.services;
    let day = services.clock.now().date_naive() + TimeDelta::days(1);
    // half past eight in the morning in India
    services.clock.advance(day.and_hms_opt(3, 0, 0).unwrap().and_utc() - services.clock.now());
    let workers = ground.workers();
    let request = json!({
        "variants": [{"label": "A", "sendHour": 9}, {"label": "B", "sendHour": 18}],
        "test": {"metric": "opened", "sharePercent": 50, "hours": 2},
    });
    let id = ground.create(&request).await;
    ground.until_status(&id, "active").await;
    services.clock.advance(TimeDelta::hours(1));
    let sent = |label: &str| {
        format!(
            "SELECT LEAST(count(*), 1) FROM messages m JOIN campaign_variants v ON v.id = m.variant_id \
             WHERE v.label = '{label}' AND m.sent_at IS NOT NULL"
        )
    };
    ground.until_number("the first is tried", &sent("A"), 1).await;
    services.clock.advance(TimeDelta::hours(5));
    ground.until_idle().await;
    let winner = async || ground.get(&format!("/api/campaigns/{id}/variants")).await["winner"].clone();
    assert_eq!(winner().await, Value::Null, "the other has not gone out");
    services.clock.advance(TimeDelta::hours(4));
    ground.until_number("the other is tried", &sent("B"), 1).await;
    ground.until_idle().await;
    assert_eq!(winner().await, Value::Null);
    services.clock.advance(TimeDelta::hours(3));
    let waits = "SELECT count(*) FROM messages WHERE held_for = 'awaiting_winner'";
    ground.until_number("it is decided", waits, 0).await;
    assert_ne!(winner().await, Value::Null);
    workers.stop().await;
}
