//! Each recipient's own time, hours they answer in, windows and pace.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::campaigns::plan::local_instant;
use serde_json::{Value, json};

/// When each message is due, by the recipient's number.
async fn due(ground: &Ground, id: &str) -> Vec<DateTime<Utc>> {
    let query = "SELECT m.due_at FROM messages m WHERE m.campaign_id = $1 ORDER BY m.customer_id";
    let rows = ground.client.query(query, &[&number(id)]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn until_written(ground: &Ground, id: &str, count: i64) {
    let query = format!("SELECT count(*) FROM messages WHERE campaign_id = {}", number(id));
    ground.until_number("the audience is written", &query, count).await;
}

async fn lives_in(ground: &Ground, customer: i64, zone: &str) {
    let update = "UPDATE customers SET time_zone = $2 WHERE customer_code = 'C' || $1::TEXT";
    ground.client.execute(update, &[&customer.to_string(), &zone]).await.unwrap();
}

fn at(day: NaiveDate, time: &str, zone: &str) -> DateTime<Utc> {
    local_instant(day.and_time(NaiveTime::parse_from_str(time, "%H:%M").unwrap()), zone.parse().unwrap())
}

#[tokio::test]
async fn everybody_gets_it_at_ten_on_their_own_clocks() {
    let abroad = Entry { phone: Some("+14155550123".to_owned()), ..Entry::new(4) };
    let ground = Ground::new(&[Entry::new(1), Entry::new(2), Entry::new(3), abroad]).await;
    lives_in(&ground, 2, "Pacific/Kiritimati").await;
    lives_in(&ground, 3, "America/Los_Angeles").await;
    let services = &ground.api.state.services;
    let day = services.clock.now().date_naive() + TimeDelta::days(3);
    let other = json!({"scheduledAt": format!("{day}T10:00"), "sendTime": {"mode": "recipientTime", "at": "10:00"}});
    let id = ground.create(&other).await;
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    let begins: DateTime<Utc> = read["scheduledAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(begins, at(day, "10:00", "Pacific/Kiritimati"), "it begins where the day begins");
    services.clock.advance(begins - services.clock.now() + TimeDelta::seconds(1));
    jobs::campaigns::fire_due(services).await.unwrap();
    let workers = ground.workers();
    ground.until_idle().await;
    let left_out = book::texts(&ground.client, "SELECT reason || COALESCE(detail, '') FROM campaign_exclusions").await;
    assert_eq!((ground.status(&id).await, left_out), ("active".to_owned(), Vec::<String>::new()));
    until_written(&ground, &id, 4).await;
    let zones = ["Asia/Kolkata", "Pacific/Kiritimati", "America/Los_Angeles", "America/New_York"];
    let expected: Vec<_> = zones.iter().map(|zone| at(day, "10:00", zone)).collect();
    let found = due(&ground, &id).await;
    // the first may have been due while the audience was being written
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let late = (*found - *expected).num_hours();
        assert!(late == 0 || (place == 1 && late == 24), "{place}: {found} for {expected}");
    }
    workers.stop().await;
}

#[tokio::test]
async fn the_days_of_a_target_are_those_of_the_day_on_which_it_goes_out() {
    let days = |number, days| Entry { days, ..Entry::new(number) };
    let ground = Ground::new(&[days(1, 29), days(2, 30), days(3, 31), days(4, 32), days(5, 33)]).await;
    let services = &ground.api.state.services;
    let zone: chrono_tz::Tz = "Asia/Kolkata".parse().unwrap();
    let day = services.clock.now().with_timezone(&zone).date_naive() + TimeDelta::days(3);
    let ends = format!("SELECT count(*) FROM policies WHERE end_date = '{day}'::DATE + 30");
    assert_eq!(book::number(&ground.client, &ends).await, 1, "somebody's policy ends thirty days after");
    let id = ground
        .create(&json!({
            "scheduledAt": format!("{day}T10:00"), "sendTime": {"mode": "bestHour", "at": "10:00"},
            "targetAudience": {"filter": {"field": "policy.daysToExpiry", "operator": "between", "value": {"min": 30, "max": 30}}},
        }))
        .await;
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    let begins: DateTime<Utc> = read["scheduledAt"].as_str().unwrap().parse().unwrap();
    assert!(begins.with_timezone(&zone).date_naive() < day, "it begins where that day begins first");
    services.clock.advance(begins - services.clock.now() + TimeDelta::seconds(1));
    jobs::campaigns::fire_due(services).await.unwrap();
    let workers = ground.workers();
    until_written(&ground, &id, 1).await;
    let left = format!(
        "SELECT (p.end_date - '{day}'::DATE)::BIGINT FROM messages m JOIN policies p ON p.id = m.policy_id WHERE m.campaign_id = {}",
        number(&id)
    );
    assert_eq!(book::number(&ground.client, &left).await, 30);
    workers.stop().await;
}

#[tokio::test]
async fn of_a_day_on_their_own_clocks_only_the_day_is_meant() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let zone: chrono_tz::Tz = "Asia/Kolkata".parse().unwrap();
    let services = &ground.api.state.services;
    let tomorrow = services.clock.now().with_timezone(&zone).date_naive() + TimeDelta::days(1);
    services.clock.advance(at(tomorrow, "09:00", "Asia/Kolkata") - services.clock.now());
    let on = |day: NaiveDate| {
        json!({"scheduledAt": format!("{day}T00:00"), "timeZone": "Asia/Kolkata",
               "sendTime": {"mode": "recipientTime", "at": "18:00"}})
    };
    let id = ground.create(&on(tomorrow)).await;
    services.clock.advance(TimeDelta::hours(1));
    jobs::campaigns::fire_due(services).await.unwrap();
    let workers = ground.workers();
    until_written(&ground, &id, 1).await;
    assert_eq!(due(&ground, &id).await, [at(tomorrow, "18:00", "Asia/Kolkata")]);
    let past = ground.post("/api/campaigns", &ground.request(&on(tomorrow - TimeDelta::days(1)))).await;
    assert_eq!(past.error(400, "validation_failed")["details"]["fields"][0]["field"], json!("scheduledAt"));
    workers.stop().await;
}

#[tokio::test]
async fn where_the_time_has_passed_it_is_the_next_day() {
    let ground = Ground::new(&[Entry::new(1), Entry::new(2)]).await;
    lives_in(&ground, 2, "Pacific/Honolulu").await;
    let services = &ground.api.state.services;
    // noon in India: ten has passed there, and not in Hawaii
    let today = services.clock.now().date_naive() + TimeDelta::days(1);
    services.clock.advance(at(today, "12:00", "Asia/Kolkata") - services.clock.now());
    let workers = ground.workers();
    let id = ground.create(&json!({"sendTime": {"mode": "recipientTime", "at": "10:00"}})).await;
    until_written(&ground, &id, 2).await;
    let expected = [at(today + TimeDelta::days(1), "10:00", "Asia/Kolkata"), at(today, "10:00", "Pacific/Honolulu")];
    assert_eq!(due(&ground, &id).await, expected);
    workers.stop().await;
}

#[tokio::test]
async fn the_best_hour_is_the_one_in_which_they_opened_most() {
    let ground = Ground::new(&[Entry::new(1), Entry::new(2)]).await;
    let services = &ground.api.state.services;
    let now = services.clock.now();
    let opened = "INSERT INTO messages (customer_id, channel, address, status, sent_at, opened_at, created_at) \
                  SELECT c.id, 'whatsapp', '+919800000001', 'read', $1, $1, $1 FROM customers c WHERE c.customer_code = 'C1'";
    let day = now.date_naive() - TimeDelta::days(5);
    for time in ["19:10", "19:50", "08:00"] {
        ground.client.execute(opened, &[&at(day, time, "Asia/Kolkata")]).await.unwrap();
    }
    let workers = ground.workers();
    let id = ground.create(&json!({"sendTime": {"mode": "bestHour", "at": "11:30"}})).await;
    until_written(&ground, &id, 2).await;
    let zone: chrono_tz::Tz = "Asia/Kolkata".parse().unwrap();
    let times: Vec<String> =
        due(&ground, &id).await.iter().map(|at| at.with_timezone(&zone).format("%H:%M").to_string()).collect();
    assert_eq!(times, ["19:00", "11:30"]);
    workers.stop().await;
}

#[tokio::test]
async fn nothing_goes_out_outside_its_windows() {
    let ground = Ground::new(&[Entry::new(1), Entry::new(2)]).await;
    lives_in(&ground, 2, "America/New_York").await;
    let services = &ground.api.state.services;
    let today = services.clock.now().date_naive() + TimeDelta::days(1);
    services.clock.advance(at(today, "20:00", "Asia/Kolkata") - services.clock.now());
    let days: Value = json!(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]);
    let workers = ground.workers();
    let id = ground.create(&json!({"sendWindows": [{"days": days, "from": "09:00", "until": "18:00"}]})).await;
    // eight in the evening in India is between nine and eleven in the morning in New York
    let sent = format!("SELECT count(*) FROM messages WHERE campaign_id = {} AND sent_at IS NOT NULL", number(&id));
    ground.until_number("who is awake gets it", &sent, 1).await;
    let waits = "SELECT count(*) FROM messages WHERE status = 'pending' AND held_for = 'send_window'";
    ground.until_number("who is not waits", waits, 1).await;
    let until = due(&ground, &id).await[0];
    assert_eq!(until, at(today + TimeDelta::days(1), "09:00", "Asia/Kolkata"));
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM messages WHERE attempts > 1").await, 0);
    services.clock.advance(TimeDelta::hours(14));
    ground.until_status(&id, "completed").await;
    workers.stop().await;
}

#[tokio::test]
async fn a_pace_spreads_them_evenly() {
    let entries: Vec<Entry> = (1..=6).map(Entry::new).collect();
    let ground = Ground::new(&entries).await;
    let workers = ground.workers();
    let id = ground.create(&json!({"perHour": 60})).await;
    until_written(&ground, &id, 6).await;
    let times = due(&ground, &id).await;
    let gaps: Vec<i64> = times.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).collect();
    assert_eq!(gaps, [60; 5]);
    let sent = format!("SELECT count(*) FROM messages WHERE campaign_id = {} AND sent_at IS NOT NULL", number(&id));
    ground.until_number("the first goes at once", &sent, 1).await;
    let spread = ground.create(&json!({"overDays": 3})).await;
    until_written(&ground, &spread, 6).await;
    let times = due(&ground, &spread).await;
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0]).num_hours() == 12), "{times:?}");
    workers.stop().await;
}
