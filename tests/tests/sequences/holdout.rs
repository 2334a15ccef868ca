//! Who is held out of a ladder gets no step on any channel, and is compared with those who are on it.

use crate::ground::{Ground, Person, SENDING, SOON};
use domain::{campaigns::Holdout, ids::CustomerId};
use serde_json::{Value, json};
use tests::wait::until;

const PHONES: [&str; 8] = [
    "+919876543210",
    "+919876543211",
    "+919876543212",
    "+919876543213",
    "+919876543214",
    "+919876543215",
    "+919876543216",
    "+919876543217",
];

impl Ground {
    /// So many people: every second has a number only.
    async fn mixed(&self, count: usize) {
        let ends = self.day(40);
        let person = |number: usize| Person {
            has_email: number.is_multiple_of(2),
            phone: PHONES.get(number).copied().filter(|_| !number.is_multiple_of(2)),
            ..Person::new(i64::try_from(number).unwrap(), ends)
        };
        self.people(&(1..=count).map(person).collect::<Vec<_>>()).await;
    }

    fn by_mail_else_by_text(&self) -> Value {
        let mut step = self.step(-30);
        step["fallback"] =
            json!({"channel": "sms", "templateId": self.templates[2], "unless": "delivered", "hours": 24});
        step
    }
}

#[tokio::test]
async fn whoever_has_only_the_fallbacks_address_is_held_out_by_the_same_draw_and_lift_counts_both() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    ground.mixed(7).await;
    // somebody who would be on no ladder is in neither group
    ground.people(&[Person::new(8, ground.day(-90))]).await;
    let campaign = ground.ladder(&[ground.by_mail_else_by_text()], &json!({"holdoutPercent": 50, "draft": true})).await;
    // a draw in which both groups have somebody with a number only, and somebody with both
    let salted = |n: u32| format!("00000000-0000-7000-8000-{n:012}");
    let held = |n: u32| -> Vec<i64> {
        let holdout = Holdout { salt: format!("campaigns-{}", salted(n)), basis_points: 5_000 };
        (1..=7).filter(|id| holdout.holds(CustomerId(*id))).collect()
    };
    let of_both = |held: &Vec<i64>| {
        let odd = held.iter().filter(|id| **id % 2 == 1).count();
        (1..4).contains(&odd) && (1..3).contains(&(held.len() - odd))
    };
    let group = (0..1_000).find(|n| of_both(&held(*n))).unwrap();
    ground.run(&format!("UPDATE campaigns SET group_id = '{}' WHERE id = {campaign}", salted(group))).await;
    ground.ask(campaign, "active").await;
    ground.settle().await;
    let out = held(group);
    let excluded = "SELECT policy_id || ' ' || reason FROM campaign_exclusions ORDER BY policy_id";
    let mut expected: Vec<String> = out.iter().map(|id| format!("{id} holdout")).collect();
    expected.push("8 lapsed".to_owned());
    assert_eq!(ground.texts(excluded).await, expected);
    let enrolled = "SELECT policy_id::TEXT FROM campaign_enrolments ORDER BY policy_id";
    let on_it: Vec<i64> = (1..=7).filter(|id| !out.contains(id)).collect();
    assert_eq!(ground.texts(enrolled).await, on_it.iter().map(i64::to_string).collect::<Vec<_>>());
    let way = ground.get(&format!("/api/campaigns/campaign-{campaign}/enrolments/policy-{}", out[0])).await;
    assert_eq!(way["leftOut"][0]["reason"], json!("holdout"), "{way}");

    // one of each group pays before the first step is due: both count
    let pays =
        format!("UPDATE renewal_cases SET payment_status = 'paid', payment_date = '{}'", ground.now().to_rfc3339());
    ground.run(&format!("{pays} WHERE id IN ({}, {})", out[0], on_it[0])).await;
    jobs::campaigns::sweep(ground.services()).await.unwrap();
    let due = "SELECT count(*) FROM case_conversions WHERE due";
    until("conversions are worked out", SOON, || async { ground.number(due).await == 0 }).await;
    let lift = ground.get(&format!("/api/campaigns/campaign-{campaign}/analytics")).await["lift"].clone();
    assert_eq!((&lift["holdout"]["total"], &lift["holdout"]["converted"]), (&json!(out.len()), &json!(1)), "{lift}");
    assert_eq!((&lift["treated"]["total"], &lift["treated"]["converted"]), (&json!(on_it.len()), &json!(1)), "{lift}");
    ground.move_to_day(ground.day(40), -30).await;
    let written = "SELECT count(*) FROM messages WHERE customer_id = ANY(SELECT customer_id FROM campaign_exclusions)";
    assert_eq!(ground.number(written).await, 0);
    workers.stop().await;
}

#[tokio::test]
async fn a_segments_own_holdout_holds_for_every_campaign_over_it() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    ground.mixed(6).await;
    let filter = json!({"field": "policy.daysToExpiry", "operator": "between", "value": {"min": 0, "max": 90}});
    let segment = json!({"name": "Soon", "filter": filter, "holdoutPercent": 60});
    let segment = ground.post("/api/segments", &segment).await.data(201)["id"].clone();
    let target = json!({"segmentId": segment});
    let salt = format!("segment-{}", segment.as_str().unwrap().trim_start_matches("segment-"));
    let held = Holdout { salt, basis_points: 6_000 };
    let out: Vec<i64> = (1..=6).filter(|id| held.holds(CustomerId(*id))).collect();
    let first = ground.ladder(&[ground.by_mail_else_by_text()], &json!({"targetAudience": target})).await;
    let second = ground.ladder(&[ground.step_on(-7, 2), ground.step(-1)], &json!({"targetAudience": target})).await;
    let request = json!({
        "name": "Once", "type": ["email"], "templates": {"email": ground.templates[0]}, "targetAudience": target,
    });
    let once = ground.post("/api/campaigns", &request).await.data(202)["campaigns"][0]["id"].clone();
    let once: i64 = once.as_str().unwrap().trim_start_matches("campaign-").parse().unwrap();
    ground.settle().await;
    for campaign in [first, second, once] {
        let excluded = format!(
            "SELECT customer_id::TEXT FROM campaign_exclusions WHERE campaign_id = {campaign} AND reason = 'holdout' ORDER BY 1"
        );
        let expected = out.iter().filter(|id| campaign != once || **id % 2 == 0).map(i64::to_string);
        assert_eq!(ground.texts(&excluded).await, expected.collect::<Vec<_>>(), "{campaign}");
    }
    workers.stop().await;
}
