//! Renewals and payments, and what campaigns are owed of them.

use crate::{
    audience::{build, target},
    book::{self, Entry},
    http_create::Ground,
};
use chrono::TimeDelta;
use domain::{
    campaigns::{Grouping, Holdout},
    ids::CustomerId,
    messaging::{
        MessageStatus::{self, Delivered, Failed},
        UnconfirmedEnd,
    },
};
use jobs::{campaigns, campaigns::request::events_arrived, kinds::registry, provider_events::keep};
use providers::messaging::{EventKind, ProviderEvent, StatusEvent};
use schema::{
    AsyncConnection, DbError,
    campaigns::{self as rows, Target},
    messages::{self, Closing, Outcome, OutcomeKind, Sender},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    crew::{Feeder, Workers},
    wait::until,
};
use workers::WorkerConfig;

const SOON: Duration = Duration::from_secs(60);

/// A campaign to everybody, all of it sent so many days ago.
async fn sent(ground: &Ground, days: i64, cost: &str) -> (String, i64) {
    sent_to(ground, target(Some(ground.upload), &json!("all")), days, cost).await
}

async fn sent_to(ground: &Ground, target: Target, days: i64, cost: &str) -> (String, i64) {
    let id = ground.create(&ground.request()).await;
    let number: i64 = id.trim_start_matches("campaign-").parse().unwrap();
    build(&ground.api.base, &ground.client, number, &target).await.unwrap();
    let mut connection = ground.api.connection().await;
    rows::start(&mut connection, number, ground.api.state.services.clock.now()).await.unwrap();
    let at = format!("now() - interval '{days} days'");
    ground
        .client
        .batch_execute(&format!(
            "UPDATE messages SET status = 'delivered', created_at = {at}, sent_at = {at}, delivered_at = {at}, \
                cost = {cost}, cost_currency = 'INR' WHERE campaign_id = {number}"
        ))
        .await
        .unwrap();
    (id, number)
}

/// Has conversions worked out, as the scheduler does.
async fn attributed(ground: &Ground) {
    let services = &ground.api.state.services;
    campaigns::sweep(services).await.unwrap();
    let due = "SELECT (SELECT count(*) FROM case_conversions WHERE due) + (SELECT count(*) FROM conversion_news)";
    until("conversions are worked out", SOON, || async { book::number(&ground.client, due).await == 0 }).await;
}

fn workers(ground: &Ground) -> Workers {
    let queues = ["campaigns=1", "events=1"].map(|queue| queue.parse().unwrap());
    Workers::start(&ground.api.state.services, registry::all(), WorkerConfig::new(queues.into()))
}

/// The case of the policy of that number.
fn case(which: &str) -> String {
    format!(
        "(SELECT r.id FROM renewal_cases r JOIN policies p ON p.id = r.policy_id WHERE p.policy_number = '{which}')"
    )
}

/// Has the case of the policy of that number paid.
async fn pay(ground: &Ground, which: &str) {
    let paid = "payment_status = 'paid', payment_date = now(), renewal_amount = 1000";
    ground.client.batch_execute(&format!("UPDATE renewal_cases SET {paid} WHERE id = {}", case(which))).await.unwrap();
}

#[tokio::test]
async fn conversions_are_owed_to_the_last_message_and_by_position() {
    let ground = Ground::new(&(1..=6).map(Entry::new).collect::<Vec<_>>()).await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let (first, _) = sent(&ground, 5, "0.80").await;
    let (second, other) = sent(&ground, 2, "0.20").await;
    let (late, number) = sent(&ground, 20, "0.10").await;
    ground
        .client
        .batch_execute(&format!(
            "INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason, created_at) \
             SELECT {other}, customer_id, id, 'holdout', now() - interval '2 days' FROM policies WHERE policy_number = 'P6'; \
             DELETE FROM messages WHERE campaign_id IN ({other}, {number}) \
                AND policy_id = (SELECT id FROM policies WHERE policy_number = 'P6')"
        ))
        .await
        .unwrap();
    let workers = workers(&ground);
    ground
        .client
        .batch_execute(&format!(
            "UPDATE renewal_cases SET payment_status = 'paid', payment_date = now(), renewal_amount = 1000 WHERE id = {}; \
             UPDATE renewal_cases SET status = 'renewed', updated_at = now() WHERE id IN ({}, {})",
            case("P1"),
            case("P2"),
            case("P6")
        ))
        .await
        .unwrap();
    attributed(&ground).await;
    let figures = async |id: &str| ground.get(&format!("/api/campaigns/{id}/analytics")).await;

    // P1 and P2 of both, P6 of the first alone
    let one = figures(&first).await;
    assert_eq!((&one["metrics"]["converted"], &one["metrics"]["conversionRate"]), (&json!(3), &json!(50.0)));
    assert_eq!(one["revenue"], json!([{"currency": "INR", "amount": "21000.00"}]));
    assert_eq!(one["cost"], json!([{"currency": "INR", "amount": "4.80"}]));
    assert_eq!(one["costPerRenewal"], json!([{"currency": "INR", "amount": "1.60"}]));
    assert_eq!(
        one["attribution"],
        json!({
            "lastTouch": [{"currency": "INR", "cases": 1.0, "amount": "10000.00"}],
            "position": [{"currency": "INR", "cases": 2.0, "amount": "15500.00"}]
        })
    );
    assert_eq!(one["lift"], Value::Null);
    let two = figures(&second).await;
    assert_eq!(two["attribution"]["lastTouch"], json!([{"currency": "INR", "cases": 2.0, "amount": "11000.00"}]));
    assert_eq!(two["attribution"]["position"], json!([{"currency": "INR", "cases": 1.0, "amount": "5500.00"}]));
    let lift = &two["lift"];
    assert_eq!(
        (&lift["treated"], &lift["holdout"]),
        (&json!({"total": 5, "converted": 2, "rate": 40.0}), &json!({"total": 1, "converted": 1, "rate": 100.0}))
    );
    assert_eq!((&lift["difference"], &lift["lack"]), (&json!(-60.0), &json!("trials")));
    assert!(lift["low"].as_f64().unwrap() < -60.0 && lift["high"].as_f64().unwrap() > -60.0);
    // its messages are older than a week
    let three = figures(&late).await;
    assert_eq!((&three["metrics"]["converted"], &three["revenue"]), (&json!(0), &json!([])));

    // three weeks are within a window of 30 days; P2 is taken back
    ground
        .client
        .batch_execute(&format!(
            "UPDATE campaigns SET plan = '{{\"attributionDays\": 30}}' WHERE id = {number}; \
             UPDATE renewal_cases SET status = 'contacted' WHERE id = {}; UPDATE case_conversions SET due = TRUE",
            case("P2")
        ))
        .await
        .unwrap();
    attributed(&ground).await;
    let three = figures(&late).await;
    assert_eq!(three["attribution"]["position"], json!([{"currency": "INR", "cases": 0.4, "amount": "400.00"}]));
    let one = figures(&first).await;
    assert_eq!(
        (&one["metrics"]["converted"], &one["attribution"]["position"]),
        (&json!(2), &json!([{"currency": "INR", "cases": 1.2, "amount": "10200.00"}]))
    );
    let converted = "SELECT count(*) FROM messages WHERE converted_at IS NOT NULL";
    assert_eq!(book::number(&ground.client, converted).await, 4);
    workers.stop().await;
}

#[tokio::test]
async fn groups_and_recurring_campaigns_are_added_up_without_rehearsals() {
    let ground = Ground::new(&(1..=3).map(Entry::new).collect::<Vec<_>>()).await;
    let (first, one) = sent(&ground, 1, "0.5").await;
    let (second, two) = sent(&ground, 1, "0.5").await;
    let (_, three) = sent(&ground, 1, "0.5").await;
    ground
        .client
        .batch_execute(&format!(
            "UPDATE campaigns SET group_id = (SELECT group_id FROM campaigns WHERE id = {one}) WHERE id = {two}; \
             UPDATE campaigns SET parent_id = {two}, occurrence_at = now() WHERE id = {three}"
        ))
        .await
        .unwrap();
    let total = async |path: String| ground.get(&path).await["metrics"]["sent"].clone();
    assert_eq!(total(format!("/api/campaigns/{first}/analytics")).await, 3);
    assert_eq!(total(format!("/api/campaigns/{second}/analytics")).await, 6);
    assert_eq!(total(format!("/api/campaigns/{first}/analytics?over=group")).await, 9);
    ground.client.batch_execute(&format!("UPDATE campaigns SET rehearsal = TRUE WHERE id = {three}")).await.unwrap();
    assert_eq!(total(format!("/api/campaigns/{first}/analytics?over=group")).await, 6);
    assert_eq!(total(format!("/api/campaigns/campaign-{three}/analytics")).await, 3);
    let refused =
        ground.api.get(&format!("/api/campaigns/{first}/analytics?over=all")).by(&ground.manager).send().await;
    assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], "over");
}

#[tokio::test]
async fn lift_compares_policies_that_were_told_of_with_those_that_would_have_been() {
    // three policies a person, of which the second expires first
    let another = |number, days, of| Entry { of: Some(of), days, ..Entry::new(number) };
    let entries: Vec<Entry> =
        (1..=8).flat_map(|of| [Entry::new(of), another(of + 10, 20, of), another(of + 20, 40, of)]).collect();
    let ground = Ground::new(&entries).await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let ids = book::texts(&ground.client, "SELECT id::TEXT FROM customers ORDER BY id").await;
    let drawn = |n: u32| Holdout { salt: format!("lift-{n}"), basis_points: 5_000 };
    let count = |n: u32| ids.iter().filter(|id| drawn(n).holds(CustomerId(id.parse().unwrap()))).count();
    let draw = (0..100).find(|n| count(*n) == 3).unwrap();
    let mut campaigns = Vec::new();
    for grouping in Grouping::ALL {
        let all = target(Some(ground.upload), &json!("all"));
        let target = Target { grouping: *grouping, holdout: Some(drawn(draw)), ..all };
        campaigns.push((*grouping, sent_to(&ground, target, 2, "0.5").await.0));
    }
    let workers = workers(&ground);
    // everybody renews what expires first
    ground
        .client
        .batch_execute(
            "UPDATE renewal_cases r SET payment_status = 'paid', payment_date = now() FROM policies p \
             WHERE p.id = r.policy_id AND p.policy_number LIKE 'P1_'",
        )
        .await
        .unwrap();
    attributed(&ground).await;
    for (grouping, id) in campaigns {
        let lift = &ground.get(&format!("/api/campaigns/{id}/analytics")).await["lift"];
        let each = if matches!(grouping, Grouping::Policy | Grouping::Together) { 3 } else { 1 };
        for (arm, people) in [("treated", 5), ("holdout", 3)] {
            let (total, converted) = (&lift[arm]["total"], &lift[arm]["converted"]);
            assert_eq!((total, converted), (&json!(people * each), &json!(people)), "{grouping}: {lift}");
        }
        assert_eq!(lift["difference"], json!(0.0), "{grouping}");
    }
    workers.stop().await;
}

#[tokio::test]
async fn a_renewal_counts_once_over_several_campaigns() {
    let ground = Ground::new(&(1..=4).map(Entry::new).collect::<Vec<_>>()).await;
    let _feeder = Feeder::start(&ground.api.state.services);
    let (first, one) = sent(&ground, 3, "0.50").await;
    let (second, two) = sent(&ground, 1, "0.25").await;
    ground
        .client
        .batch_execute(&format!(
            "UPDATE campaigns SET group_id = (SELECT group_id FROM campaigns WHERE id = {one}) WHERE id = {two}; \
             UPDATE messages SET channel = 'sms' WHERE campaign_id = {two}; \
             INSERT INTO campaign_exclusions (campaign_id, customer_id, policy_id, reason, created_at) \
             SELECT c, customer_id, id, 'holdout', now() - interval '4 days' FROM policies, unnest(ARRAY[{one}, {two}]) c \
             WHERE policy_number = 'P4'; \
             DELETE FROM messages WHERE policy_id = (SELECT id FROM policies WHERE policy_number = 'P4')"
        ))
        .await
        .unwrap();
    let workers = workers(&ground);
    pay(&ground, "P1").await;
    pay(&ground, "P4").await;
    attributed(&ground).await;
    let inr = |amount: &str| json!([{"currency": "INR", "amount": amount}]);
    for id in [&first, &second] {
        let alone = ground.get(&format!("/api/campaigns/{id}/analytics")).await;
        assert_eq!((&alone["renewals"], &alone["revenue"]), (&json!(1), &inr("1000.00")));
        assert_eq!(
            (&alone["lift"]["treated"]["total"], &alone["lift"]["holdout"]["converted"]),
            (&json!(3), &json!(1))
        );
    }
    let both = ground.get(&format!("/api/campaigns/{first}/analytics?over=group")).await;
    assert_eq!((&both["renewals"], &both["revenue"]), (&json!(1), &inr("1000.00")));
    assert_eq!((&both["cost"], &both["costPerRenewal"]), (&inr("2.25"), &inr("2.25")));
    assert_eq!(
        (&both["metrics"]["converted"], &both["lift"]),
        (&json!(2), &Value::Null),
        "messages, of which there are two"
    );
    // the parts come to the whole: it was the second that spoke last
    let parts = both["byChannel"].as_array().unwrap().iter();
    let parts: Vec<_> = parts.map(|part| (part["channel"].clone(), part["revenue"].clone())).collect();
    assert_eq!(parts, [(json!("sms"), inr("1000.00")), (json!("whatsapp"), json!([]))]);
    assert_eq!(both["attribution"]["lastTouch"], json!([{"currency": "INR", "cases": 1.0, "amount": "1000.00"}]));
    workers.stop().await;
}

#[tokio::test]
async fn a_message_about_several_policies_is_converted_while_one_of_them_is() {
    let ground = Ground::new(&[Entry::new(1), Entry { of: Some(1), days: 20, ..Entry::new(2) }]).await;
    let _feeder = Feeder::start(&ground.api.state.services);
    let together = Target { grouping: Grouping::Together, ..target(Some(ground.upload), &json!("all")) };
    let (id, _) = sent_to(&ground, together, 2, "0.50").await;
    let workers = workers(&ground);
    for (change, converted, renewals, cost) in [
        ("status = 'renewed'", 1, 2, json!("0.25")),
        (
            "status = CASE WHEN id = (SELECT min(id) FROM renewal_cases) THEN 'contacted' ELSE status END",
            1,
            1,
            json!("0.50"),
        ),
        ("status = 'contacted'", 0, 0, Value::Null),
    ] {
        ground.client.batch_execute(&format!("UPDATE renewal_cases SET {change}, updated_at = now()")).await.unwrap();
        attributed(&ground).await;
        let figures = ground.get(&format!("/api/campaigns/{id}/analytics")).await;
        assert_eq!(
            (&figures["metrics"]["converted"], &figures["renewals"]),
            (&json!(converted), &json!(renewals)),
            "{change}"
        );
        assert_eq!(figures["costPerRenewal"][0]["amount"], cost, "{change}");
    }
    workers.stop().await;
}

const PROVIDER: &str = "whatsapp_cloud";

/// The provider says where a message stood an hour ago.
async fn tell(ground: &Ground, message: i64, status: MessageStatus) {
    let services = &ground.api.state.services;
    let now = services.clock.now();
    let event = ProviderEvent {
        id: format!("{message}:{status}"),
        occurred_at: now - TimeDelta::hours(1),
        payload: json!({}),
        kind: EventKind::Status(StatusEvent {
            provider_message_id: format!("wamid.{message}"),
            correlation: None,
            status,
            recipient: None,
            failure: None,
            bounce: None,
            cost: None,
        }),
    };
    let mut connection = ground.api.connection().await;
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| {
            keep(connection, PROVIDER, &[event], now).await?;
            events_arrived(connection, now).await
        })
        .await
        .unwrap();
    services.dispatcher.push(&enqueued).await;
    let waits = "SELECT count(*) FROM provider_events WHERE applied_at IS NULL";
    until("it is applied", SOON, || async { book::number(&ground.client, waits).await == 0 }).await;
}

#[tokio::test]
async fn what_becomes_known_of_a_message_later_is_heeded() {
    let ground = Ground::new(&(1..=4).map(Entry::new).collect::<Vec<_>>()).await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let (id, number) = sent(&ground, 2, "0.5").await;
    let of = async |policy: &str| {
        let which = format!("(SELECT id FROM policies WHERE policy_number = '{policy}')");
        book::number(&ground.client, &format!("SELECT id FROM messages WHERE policy_id = {which}")).await
    };
    let (told, closed, recorded, bounced) = (of("P1").await, of("P2").await, of("P3").await, of("P4").await);
    ground
        .client
        .batch_execute(&format!(
            "UPDATE messages SET provider = '{PROVIDER}', provider_message_id = 'wamid.' || id WHERE id IN ({told}, {bounced}); \
             UPDATE messages SET status = 'unconfirmed', sent_at = NULL, delivered_at = NULL, \
                updated_at = now() - interval '2 days' WHERE campaign_id = {number} AND id <> {bounced}; \
             UPDATE messages SET status = 'sent', delivered_at = NULL WHERE id = {bounced}"
        ))
        .await
        .unwrap();
    let workers = workers(&ground);
    for policy in ["P1", "P2", "P3", "P4"] {
        pay(&ground, policy).await;
    }
    let counted = async |renewals: i64, why: &str| {
        attributed(&ground).await;
        let figures = ground.get(&format!("/api/campaigns/{id}/analytics")).await;
        let (messages, cases) = (&figures["metrics"]["converted"], &figures["renewals"]);
        assert_eq!((messages, cases), (&json!(renewals), &json!(renewals)), "{why}");
    };
    counted(1, "of three nobody knows whether they were sent").await;
    tell(&ground, told, Delivered).await;
    counted(2, "one was delivered").await;
    tell(&ground, bounced, Failed).await;
    counted(1, "one came to nothing").await;

    let now = services.clock.now();
    let mut connection = ground.api.connection().await;
    let sender = Sender { job: uuid::Uuid::now_v7(), attempt: 1 };
    let outcome = Outcome {
        message: recorded,
        attempts: 1,
        account: "1".to_owned(),
        kind: OutcomeKind::Accepted { provider_message_id: "wamid.late".to_owned() },
        code: None,
        detail: None,
        at: now - TimeDelta::hours(1),
        cost: None,
        segments: None,
    };
    messages::record(&mut connection, sender, &[outcome], true).await.unwrap();
    counted(2, "one was recorded late").await;
    let since = now - TimeDelta::days(1);
    let closing = Closing { account: None, with_policy: &[], since, end: UnconfirmedEnd::Sent, why: "no word" };
    let ended = messages::close_unconfirmed(&mut connection, &closing, now, 10).await.unwrap();
    assert_eq!(ended, [Some(number)]);
    counted(3, "one counts as sent, as was agreed").await;
    assert_eq!(
        book::number(
            &ground.client,
            &format!("SELECT id FROM messages WHERE id = {closed} AND converted_at IS NOT NULL")
        )
        .await,
        closed
    );
    workers.stop().await;
}
