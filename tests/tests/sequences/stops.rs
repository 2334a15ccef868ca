//! What ends a policy's way: seen when a step is due, and again when its message is about to go out.

use crate::ground::{Ground, Person, SENDING};
use serde_json::json;

/// What happens to policy {n}, and what it is called.
const ENDS: [(&str, &str); 11] = [
    ("UPDATE policies SET status = 'renewed' WHERE id = {n}", "already_renewed"),
    ("UPDATE renewal_cases SET payment_status = 'paid' WHERE id = {n}", "already_renewed"),
    ("UPDATE policies SET end_date = end_date + 365 WHERE id = {n}", "already_renewed"),
    ("UPDATE policies SET end_date = end_date - 1 WHERE id = {n}", "term_changed"),
    ("UPDATE policies SET status = 'cancelled' WHERE id = {n}", "policy_cancelled"),
    ("UPDATE policies SET status = 'lapsed' WHERE id = {n}", "lapsed"),
    ("UPDATE renewal_cases SET status = 'lost' WHERE id = {n}", "case_closed"),
    (
        "INSERT INTO claims (claim_number, policy_id, claim_type, claim_amount, description, incident_date, reported_date) \
         VALUES ('CL-{n}', {n}, 'own_damage', 100, 'A dent', '2026-01-01', '2026-01-01')",
        "open_claim",
    ),
    (
        "INSERT INTO consents (customer_id, channel, purpose, granted, own_choice, source, given_at) \
         VALUES ({n}, 'email', 'service', FALSE, TRUE, 'unsubscribe', '{now}')",
        "opted_out",
    ),
    (
        "WITH told AS (INSERT INTO provider_events (provider, provider_event_id, kind, payload, occurred_at) \
                       VALUES ('test', '{n}', 'inbound', '{}', '{now}') RETURNING id) \
         INSERT INTO inbound_messages (event_id, channel, address, customer_id, case_id, body, received_at) \
         SELECT id, 'email', 'p{n}@example.com', {n}, {n}, 'I will pay', '{now}' FROM told",
        "replied",
    ),
    ("UPDATE policies SET grace_period_days = 0, end_date = end_date WHERE id = {n}", ""),
];

impl Ground {
    async fn end(&self, what: &str, policy: i64) {
        let now = self.now().to_rfc3339();
        self.run(&what.replace("{now}", &now).replace("{n}", &policy.to_string())).await;
    }
}

#[tokio::test]
async fn whatever_ends_it_ends_it_before_a_step_and_between_a_step_and_its_message() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    let count = i64::try_from(ENDS.len()).unwrap();
    // the first of each pair is over before the step, the second after it
    let people: Vec<Person> = (1..=2 * count).map(|number| Person::new(number, ends)).collect();
    ground.people(&people).await;
    let campaign = ground.ladder(&[ground.step(-30), ground.step(-7), ground.step(3)], &json!({})).await;
    let planning = ground.workers(&["campaigns=1"]);
    ground.settle_on("'campaigns'").await;
    for (number, (what, _)) in (1..).step_by(2).zip(ENDS) {
        ground.end(what, number).await;
    }
    let at = (ends - chrono::TimeDelta::days(30)).and_hms_opt(4, 31, 0).unwrap().and_utc();
    ground.services().clock.advance(at - ground.now());
    ground.settle_on("'campaigns'").await;
    planning.stop().await;
    for (number, (what, reason)) in (1..).step_by(2).zip(ENDS) {
        let expected = if reason.is_empty() { "active".to_owned() } else { format!("stopped: {reason}") };
        assert_eq!(ground.enrolment(number).await, expected, "{what}");
    }
    // written, not sent: no worker of the channel was there
    for (number, (what, _)) in (2..).step_by(2).zip(ENDS) {
        ground.end(what, number).await;
    }
    let workers = ground.workers(&SENDING);
    ground.settle().await;
    let messages = ground
        .texts("SELECT policy_id || ' ' || COALESCE(CASE status WHEN 'suppressed' THEN error_code END, 'out') FROM messages ORDER BY policy_id")
        .await;
    let mut expected: Vec<String> = Vec::new();
    for (number, (_, reason)) in (1..).step_by(2).zip(ENDS) {
        if reason.is_empty() {
            expected.push(format!("{number} out"));
        }
        expected.push(format!("{} {}", number + 1, if reason.is_empty() { "out" } else { reason }));
    }
    expected.sort_by_key(|text| text.split(' ').next().unwrap().parse::<i64>().unwrap());
    assert_eq!(messages, expected);
    let way = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments/policy-2")).await;
    assert_eq!(way["over"], "already_renewed", "{way}");
    ground.move_to_day(ends, -7).await;
    for (number, (what, reason)) in (2..).step_by(2).zip(ENDS) {
        let expected = if reason.is_empty() { "active".to_owned() } else { format!("stopped: {reason}") };
        assert_eq!(ground.enrolment(number).await, expected, "{what}");
    }
    // no days of grace: the step after the last day finds it lapsed
    ground.move_to_day(ends, 3).await;
    assert_eq!(ground.enrolment(2 * count).await, "stopped: lapsed");
    assert_eq!(ground.status(campaign).await, "completed");
    workers.stop().await;
}

#[tokio::test]
async fn a_daily_look_ends_what_no_step_is_due_for() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(100);
    ground.people(&[Person::new(1, ends), Person::new(2, ends)]).await;
    let campaign = ground.ladder(&[ground.step(-30)], &json!({})).await;
    ground.settle().await;
    ground.end(ENDS[1].0, 1).await;
    ground.move_to(ground.now() + chrono::TimeDelta::hours(25)).await;
    assert_eq!(ground.enrolment(1).await, "stopped: already_renewed");
    assert_eq!((ground.enrolment(2).await, ground.status(campaign).await), ("active".into(), "active".into()));
    ground.end(ENDS[1].0, 2).await;
    ground.move_to(ground.now() + chrono::TimeDelta::hours(25)).await;
    assert_eq!(ground.status(campaign).await, "completed");
    workers.stop().await;
}

#[tokio::test]
async fn what_waits_is_taken_back_as_soon_as_something_is_heard() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    let count = i64::try_from(ENDS.len()).unwrap();
    // nothing happens to the second half
    let people: Vec<Person> = (1..=2 * count).map(|number| Person::new(number, ends)).collect();
    ground.people(&people).await;
    // the last step of all: their ways are finished, but for the message
    ground.ladder(&[ground.step(-30)], &json!({})).await;
    let planning = ground.workers(&["campaigns=1"]);
    ground.settle_on("'campaigns'").await;
    let at = (ends - chrono::TimeDelta::days(30)).and_hms_opt(4, 31, 0).unwrap().and_utc();
    ground.services().clock.advance(at - ground.now());
    ground.settle_on("'campaigns'").await;
    let pending = "SELECT count(*) FROM messages WHERE status = 'pending'";
    assert_eq!(ground.number(pending).await, 2 * count);
    for (number, (what, _)) in (1..).zip(ENDS) {
        ground.end(what, number).await;
    }
    // no clock moves, and no step is due
    ground.settle_on("'campaigns'").await;
    let told = ground
        .texts(
            "SELECT m.policy_id || ' ' || m.status || ' ' || COALESCE(m.error_code, '') || ' ' || COALESCE(k.reason, '') \
             FROM messages m LEFT JOIN message_checks k ON k.message_id = m.id ORDER BY m.policy_id",
        )
        .await;
    let of = |number: i64| ENDS.get(usize::try_from(number - 1).unwrap()).map_or("", |(_, reason)| reason);
    let expected = (1..=2 * count).map(|number| match of(number) {
        "" => format!("{number} pending  "),
        reason => format!("{number} suppressed {reason} {reason}"),
    });
    assert_eq!(told, expected.collect::<Vec<_>>());
    planning.stop().await;
}

#[tokio::test]
async fn a_ladder_that_is_held_hears_too() {
    let ground = Ground::new().await;
    let workers = ground.workers(&["campaigns=1"]);
    let ends = ground.day(40);
    ground.people(&[Person::new(1, ends), Person::new(2, ends)]).await;
    let campaign = ground.ladder(&[ground.step(-30), ground.step(-7)], &json!({})).await;
    ground.settle_on("'campaigns'").await;
    ground.ask(campaign, "paused").await;
    ground.end(ENDS[1].0, 1).await;
    ground.settle_on("'campaigns'").await;
    assert_eq!(
        (ground.enrolment(1).await, ground.enrolment(2).await),
        ("stopped: already_renewed".into(), "active".into())
    );
    workers.stop().await;
}
