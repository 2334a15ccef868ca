//! Whole ladders, from the request to the last step.

use crate::ground::{Ground, Person, SENDING};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::campaigns::plan::local_instant;
use serde_json::{Value, json};

const DAYS: [i64; 6] = [-60, -30, -15, -7, -1, 7];

#[tokio::test]
async fn every_step_is_taken_at_its_hour_of_the_recipients_day_over_a_change_of_clocks() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    // clocks in New York change on 14 March 2027
    let ends = "2027-03-25".parse().unwrap();
    ground
        .people(&[
            Person { phone: Some("+919876543210"), ..Person::new(1, ends) },
            Person { phone: Some("+12125550123"), ..Person::new(2, ends) },
        ])
        .await;
    let steps: Vec<Value> = DAYS.iter().enumerate().map(|(index, days)| ground.step_on(*days, index % 3)).collect();
    let campaign = ground.ladder(&steps, &json!({"tags": ["spring"]})).await;
    ground.settle().await;
    assert_eq!(ground.status(campaign).await, "active");
    let ten = |days: i64, zone: Tz| local_instant((ends + TimeDelta::days(days)).and_hms_opt(10, 0, 0).unwrap(), zone);
    let mut expected: Vec<(DateTime<Utc>, i64, usize)> = Vec::new();
    for (step, days) in DAYS.iter().enumerate() {
        expected.push((ten(*days, Tz::Asia__Kolkata), 1, step));
        expected.push((ten(*days, Tz::America__New_York), 2, step));
    }
    expected.sort_unstable();
    let hours: Vec<u32> =
        expected.iter().filter(|entry| entry.1 == 2).map(|entry| chrono::Timelike::hour(&entry.0)).collect();
    assert_eq!(hours, [15, 15, 15, 14, 14, 14]);
    for (count, (at, policy, step)) in expected.iter().enumerate() {
        ground.move_to(*at - TimeDelta::seconds(90)).await;
        assert_eq!(ground.number("SELECT count(*) FROM messages").await, i64::try_from(count).unwrap());
        ground.move_to(*at + TimeDelta::seconds(1)).await;
        let newest = ground
            .texts("SELECT policy_id || '/' || step || '/' || channel FROM messages ORDER BY id DESC LIMIT 1")
            .await;
        assert_eq!(newest, [format!("{policy}/{step}/{}", ["email", "whatsapp", "sms"][step % 3])]);
    }
    let open = "SELECT count(*) FROM messages WHERE status NOT IN ('sent', 'failed')";
    assert_eq!(ground.number(open).await, 0, "{:?}", ground.messages().await);
    assert_eq!((ground.enrolment(1).await, ground.enrolment(2).await), ("finished".into(), "finished".into()));
    assert_eq!(ground.status(campaign).await, "completed");

    let ladder = ground.get(&format!("/api/campaigns/campaign-{campaign}/steps")).await;
    assert_eq!(ladder["steps"].as_array().unwrap().len(), 6);
    assert_eq!(ladder["steps"][5]["figures"]["written"], 2, "{ladder}");
    let page = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments?state=finished&limit=1")).await;
    assert_eq!(page["enrolments"][0]["written"], 6, "{page}");
    let after = &page["next"];
    let rest = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments?after={after}")).await;
    assert_eq!((rest["enrolments"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{rest}");
    let way = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments/policy-2")).await;
    assert_eq!(way["steps"][3]["messages"][0]["channel"], "email", "{way}");
    workers.stop().await;
}

#[tokio::test]
async fn who_comes_late_begins_at_the_right_step_and_who_comes_too_late_is_told_of() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let people = [(1, 70), (2, 20), (3, 5), (4, -3), (5, -8), (6, 300)];
    let people: Vec<Person> = people.iter().map(|(number, ahead)| Person::new(*number, ground.day(*ahead))).collect();
    ground.people(&people).await;
    let steps: Vec<Value> = DAYS.iter().map(|days| ground.step(*days)).collect();
    let until = (ground.now() + TimeDelta::days(60)).to_rfc3339();
    let filter = json!({"daysToExpiry": {"min": -10, "max": 90}});
    let campaign = ground.ladder(&steps, &json!({"enrolUntil": until, "targetAudience": filter})).await;
    ground.settle().await;
    let next = "SELECT policy_id || ':' || next_step FROM campaign_enrolments ORDER BY policy_id";
    assert_eq!(ground.texts(next).await, ["1:0", "2:2", "3:4", "4:5"]);
    let left = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments/policy-5")).await;
    assert_eq!(left["leftOut"][0]["reason"], "too_late", "{left}");
    // somebody comes into the target while newcomers are looked for
    ground.people(&[Person::new(7, ground.day(40))]).await;
    ground.move_to(ground.now() + TimeDelta::hours(25)).await;
    assert_eq!(ground.texts(next).await.last().unwrap(), "7:1");
    assert_eq!(ground.number("SELECT count(*) FROM campaign_exclusions").await, 1, "told once");
    workers.stop().await;
}

#[tokio::test]
async fn a_message_that_was_held_until_the_next_step_is_passed_over() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    ground.people(&[Person::new(1, ends)]).await;
    let climbing = ground.workers(&["campaigns=1"]);
    ground.ladder(&[ground.step(-30), ground.step(-15)], &json!({})).await;
    for days in [-30, -15] {
        let at = (ends + TimeDelta::days(days)).and_hms_opt(4, 31, 0).unwrap().and_utc();
        ground.services().clock.advance(at - ground.now());
        ground.settle_on("'campaigns'").await;
    }
    assert_eq!(ground.messages().await, ["1/0/email/pending", "1/1/email/pending"], "nobody sends");
    climbing.stop().await;
    let workers = ground.workers(&SENDING);
    ground.settle().await;
    let fates = "SELECT step || COALESCE(error_code, '') FROM messages ORDER BY step";
    assert_eq!(ground.texts(fates).await[0], "0passed_over");
    assert_eq!(ground.number("SELECT count(*) FROM messages WHERE step = 1 AND status <> 'suppressed'").await, 1);
    workers.stop().await;
}

#[tokio::test]
async fn a_ladder_goes_on_with_a_template_that_was_switched_off() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    ground.people(&[Person::new(1, ground.day(40))]).await;
    let until = (ground.now() + TimeDelta::days(60)).to_rfc3339();
    let campaign = ground.ladder(&[ground.step(-30)], &json!({"enrolUntil": until})).await;
    ground.settle().await;
    ground.run("UPDATE templates SET is_active = FALSE").await;
    ground.people(&[Person::new(2, ground.day(41))]).await;
    ground.move_to(ground.now() + TimeDelta::hours(25)).await;
    assert_eq!(ground.status(campaign).await, "active");
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments WHERE state = 'active'").await, 2);
    // what is truly broken holds it: those on it keep their places
    ground.run("UPDATE campaigns SET target_audience_filter = '{\"segmentId\": \"segment-99\"}'").await;
    ground.move_to(ground.now() + TimeDelta::hours(25)).await;
    assert_eq!(ground.status(campaign).await, "paused");
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments WHERE state = 'active'").await, 2);
    workers.stop().await;
}

#[tokio::test]
async fn steps_that_passed_while_nobody_worked_are_passed_over_for_the_latest() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    ground.people(&[Person::new(1, ends)]).await;
    let steps: Vec<Value> = DAYS.iter().map(|days| ground.step(*days)).collect();
    let campaign = ground.ladder(&steps, &json!({})).await;
    ground.settle().await;
    ground.ask(campaign, "paused").await;
    ground.move_to_day(ends, -5).await;
    assert_eq!(ground.messages().await, Vec::<String>::new());
    ground.ask(campaign, "active").await;
    ground.settle().await;
    assert_eq!(ground.messages().await.len(), 1);
    assert!(ground.messages().await[0].starts_with("1/3/email/"));
    ground.move_to_day(ends, -1).await;
    ground.move_to_day(ends, 7).await;
    assert_eq!(ground.texts("SELECT step::TEXT FROM messages ORDER BY id").await, ["3", "4", "5"]);
    workers.stop().await;
}

#[tokio::test]
async fn a_term_is_on_one_ladder_and_on_another_once_the_first_is_stopped() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    ground.people(&[Person::new(1, ends)]).await;
    let first = ground.ladder(&[ground.step(-30)], &json!({})).await;
    ground.settle().await;
    let until = (ground.now() + TimeDelta::days(30)).to_rfc3339();
    let second = ground.ladder(&[ground.step(-20)], &json!({"enrolUntil": until})).await;
    ground.settle().await;
    let of = "SELECT count(*) FROM campaign_enrolments WHERE state = 'active' AND campaign_id = ";
    assert_eq!((ground.number(&format!("{of}{first}")).await, ground.number(&format!("{of}{second}")).await), (1, 0));
    let why = ground.texts("SELECT reason::TEXT FROM campaign_exclusions").await;
    assert_eq!(why, ["on_other_ladder"]);
    ground.ask(first, "cancelled").await;
    ground.settle().await;
    assert_eq!(ground.enrolment(1).await, "withdrawn: campaign_stopped");
    ground.move_to(ground.now() + TimeDelta::hours(25)).await;
    assert_eq!(ground.number(&format!("{of}{second}")).await, 1);
    ground.move_to_day(ends, -20).await;
    let sent = format!("SELECT campaign_id::TEXT FROM messages WHERE campaign_id IN ({first}, {second})");
    assert_eq!(ground.texts(&sent).await, [second.to_string()]);
    workers.stop().await;
}

#[tokio::test]
async fn a_draft_is_changed_until_it_begins_and_what_cannot_be_meant_is_told() {
    let ground = Ground::new().await;
    let campaign = ground.ladder(&[ground.step(-30)], &json!({"draft": true})).await;
    assert_eq!(ground.status(campaign).await, "draft");
    let path = format!("/api/campaigns/campaign-{campaign}/steps");
    let mut step = ground.step(-7);
    step["fallback"] = json!({"channel": "sms", "templateId": ground.templates[2], "unless": "delivered", "hours": 24});
    let changed = ground.put(&path, &json!({"steps": [ground.step(-30), step], "maxMessages": 2})).await.data(200);
    assert_eq!((&changed["maxMessages"], &changed["steps"][1]["fallback"]["hours"]), (&json!(2), &json!(24)));
    let mut wrong = ground.step_on(-7, 1);
    wrong["templateId"] = json!(ground.templates[0]);
    let told = ground.put(&path, &json!({"steps": [ground.step(-7), wrong]})).await;
    let error = told.error(400, "validation_failed");
    let fields = error["details"]["fields"].as_array().unwrap();
    let fields: Vec<&str> = fields.iter().filter_map(|fault| fault["field"].as_str()).collect();
    assert_eq!(fields, ["steps[1].days", "steps[1].templateId"]);
    ground.ask(campaign, "active").await;
    let late = ground.put(&path, &json!({"steps": [ground.step(-7)]})).await;
    late.error(409, "not_a_draft");
    assert_eq!(ground.number("SELECT count(*) FROM audit_log WHERE action = 'campaign.steps_changed'").await, 1);
}
