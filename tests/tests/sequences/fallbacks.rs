//! Another channel where a step's message does not get through, under one cap.

use crate::ground::{Ground, Person, SENDING};
use chrono::TimeDelta;
use serde_json::{Value, json};

impl Ground {
    fn with_fallback(&self, days: i64, unless: &str) -> Value {
        let mut step = self.step(days);
        step["fallback"] = json!({"channel": "sms", "templateId": self.templates[2], "unless": unless, "hours": 24});
        step
    }
}

#[tokio::test]
async fn another_channel_is_tried_after_its_hours_unless_the_message_got_through() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    let phone = |number: i64| {
        ["+919876543211", "+919876543212", "+919876543213", "+919876543214", "+919876543215"]
            [usize::try_from(number - 1).unwrap()]
    };
    let mut people: Vec<Person> =
        (1..=5).map(|number| Person { phone: Some(phone(number)), ..Person::new(number, ends) }).collect();
    people[3].has_email = false;
    people[4].phone = None;
    ground.people(&people).await;
    let campaign = ground.ladder(&[ground.with_fallback(-30, "delivered"), ground.step(-7)], &json!({})).await;
    ground.settle().await;
    ground.move_to_day(ends, -30).await;
    // the fourth has no address for e-mail
    let first = "SELECT policy_id || channel FROM messages ORDER BY policy_id";
    assert_eq!(ground.texts(first).await, ["1email", "2email", "3email", "4sms", "5email"]);
    ground
        .run(
            "UPDATE messages SET status = 'sent', sent_at = COALESCE(sent_at, updated_at), error_code = NULL; \
             UPDATE messages SET status = 'delivered', delivered_at = updated_at WHERE policy_id = 1",
        )
        .await;
    ground.move_to(ground.now() + TimeDelta::hours(23)).await;
    assert_eq!(ground.number("SELECT count(*) FROM messages").await, 5);
    ground.move_to(ground.now() + TimeDelta::hours(2)).await;
    let fell = "SELECT policy_id || '/' || step || '/' || channel FROM messages ORDER BY policy_id, id";
    assert_eq!(
        ground.texts(fell).await,
        ["1/0/email", "2/0/email", "2/0/sms", "3/0/email", "3/0/sms", "4/0/sms", "5/0/email"]
    );
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments WHERE fallback_at IS NOT NULL").await, 0);
    ground.move_to_day(ends, -7).await;
    assert_eq!(ground.status(campaign).await, "completed");
    assert_eq!(ground.number("SELECT count(*) FROM messages WHERE step = 1").await, 4, "the fourth has no address");
    workers.stop().await;
}

#[tokio::test]
async fn fallbacks_and_steps_share_one_cap_and_conditions_leave_out_whom_earlier_messages_reached() {
    let ground = Ground::new().await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    ground
        .people(&[
            Person { phone: Some("+919876543211"), ..Person::new(1, ends) },
            Person { phone: Some("+919876543212"), ..Person::new(2, ends) },
        ])
        .await;
    let mut unread = ground.step(-7);
    unread["condition"] = json!("not_read");
    let steps = [ground.with_fallback(-30, "read"), unread, ground.step(-1), ground.step(2)];
    let campaign = ground.ladder(&steps, &json!({"maxMessages": 3})).await;
    ground.settle().await;
    ground.move_to_day(ends, -30).await;
    ground
        .run("UPDATE messages SET status = 'read', sent_at = updated_at, opened_at = updated_at WHERE policy_id = 1")
        .await;
    for days in [-28, -7, -1, 2] {
        ground.move_to_day(ends, days).await;
    }
    let had = "SELECT policy_id || '/' || step || '/' || channel FROM messages ORDER BY policy_id, id";
    assert_eq!(ground.texts(had).await, ["1/0/email", "1/2/email", "1/3/email", "2/0/email", "2/0/sms", "2/1/email"]);
    assert_eq!(ground.enrolment(2).await, "finished: max_messages");
    assert_eq!(ground.status(campaign).await, "completed");
    workers.stop().await;
}
