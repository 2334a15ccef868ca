//! The figures of steps: from counters, the same as counting, before and after they are folded.

use crate::ground::{Ground, Person, SENDING};
use serde_json::{Value, json};

impl Ground {
    /// What is counted, beside what is told: `written` and `sent` by step and channel, and who is ahead of each step.
    async fn compare(&self, campaign: i64) {
        let ladder = self.get(&format!("/api/campaigns/campaign-{campaign}/steps")).await;
        let mut told = Vec::new();
        for step in ladder["steps"].as_array().unwrap() {
            let fallback = Some(&step["fallback"]).filter(|fallback| !fallback.is_null());
            told.push(format!("{}/ahead/{}", step["step"], step["ahead"]));
            for part in std::iter::once(step).chain(fallback) {
                let (channel, figures) = (part["channel"].as_str().unwrap(), &part["figures"]);
                if figures["written"] != json!(0) {
                    told.push(format!("{}/{channel}/{}/{}", step["step"], figures["written"], figures["sent"]));
                }
            }
        }
        told.sort_unstable();
        let counted = self
            .texts(&format!(
                "SELECT step || '/' || channel || '/' || count(*) || '/' \
                     || count(*) FILTER (WHERE status IN ('sent', 'delivered', 'read')) \
                 FROM messages WHERE campaign_id = {campaign} GROUP BY step, channel \
                 UNION ALL \
                 SELECT s.step || '/ahead/' || (SELECT count(*) FROM campaign_enrolments e WHERE e.campaign_id = {campaign} \
                                               AND e.state = 'active' AND e.next_step = s.step) \
                 FROM campaign_steps s WHERE s.campaign_id = {campaign} ORDER BY 1"
            ))
            .await;
        let mut counted: Vec<String> = counted;
        counted.sort_unstable();
        assert_eq!(told, counted);
    }
}

#[tokio::test]
async fn steps_are_counted_as_they_are_taken() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    let people: Vec<Person> = (1..=6)
        .map(|number| Person {
            has_email: number % 3 != 0,
            phone: Some(PHONES[number]),
            ..Person::new(i64::try_from(number).unwrap(), ends)
        })
        .collect();
    ground.people(&people).await;
    let mut first = ground.step(-30);
    first["fallback"] =
        json!({"channel": "sms", "templateId": ground.templates[2], "unless": "delivered", "hours": 24});
    let campaign = ground.ladder(&[first, ground.step_on(-7, 2)], &json!({})).await;
    ground.settle().await;
    ground.compare(campaign).await;
    ground.move_to_day(ends, -30).await;
    ground.compare(campaign).await;
    ground.run("UPDATE renewal_cases SET payment_status = 'paid' WHERE id = 2").await;
    ground.settle().await;
    ground.compare(campaign).await;
    let mut connection = ground.services().db.get().await.unwrap();
    assert!(schema::campaigns::fold(&mut connection, campaign, 100_000).await.unwrap() > 0);
    drop(connection);
    ground.compare(campaign).await;
    ground.move_to_day(ends, -7).await;
    ground.compare(campaign).await;
    let ladder = ground.get(&format!("/api/campaigns/campaign-{campaign}/steps")).await;
    assert_eq!(ladder["steps"][1]["figures"]["written"], json!(5), "{ladder}");
    assert_eq!(ladder["steps"][0]["ahead"], Value::from(0));
    workers.stop().await;
}

const PHONES: [&str; 7] = [
    "+919876543210",
    "+919876543211",
    "+919876543212",
    "+919876543213",
    "+919876543214",
    "+919876543215",
    "+919876543216",
];
