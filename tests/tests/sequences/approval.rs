//! A second person's word on ladders: judged by the most that they may send, before they begin and when everybody is on.

use crate::ground::{Ground, Person, SENDING};
use chrono::TimeDelta;
use domain::permissions::SystemRole;
use serde_json::{Value, json};

const ABOVE_FIVE: &[(&str, &str)] = &[("CAMPAIGN_APPROVAL_RECIPIENTS", "5")];

impl Ground {
    async fn book(&self, numbers: std::ops::RangeInclusive<i64>) {
        let ends = self.day(40);
        self.people(&numbers.map(|number| Person::new(number, ends)).collect::<Vec<_>>()).await;
    }

    fn request(&self, steps: usize, more: &Value) -> Value {
        let days = [-30, -15, -7, -1];
        let steps: Vec<Value> = days[..steps].iter().map(|days| self.step(*days)).collect();
        let mut request = json!({"name": "Ladder", "targetAudience": "all", "steps": steps});
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        request
    }

    async fn word(&self, id: &str, word: &Value) -> Value {
        let second = self.api.user(SystemRole::Administrator).await;
        self.api.post(&format!("/api/campaigns/{id}/approval")).by(&second).json(word).send().await.data(200)
    }
}

#[tokio::test]
async fn a_ladder_that_may_send_much_waits_for_somebody_else() {
    let ground = Ground::with(ABOVE_FIVE).await;
    let workers = ground.workers(&SENDING);
    ground.book(1..=2).await;
    let asked = ground.post("/api/campaigns/sequences", &ground.request(3, &json!({}))).await.data(201);
    let id = asked["id"].as_str().unwrap();
    assert_eq!((&asked["status"], &asked["jobId"]), (&json!("awaiting_approval"), &Value::Null), "{asked}");
    assert_eq!((&asked["recipients"], &asked["messages"]), (&json!(2), &json!(6)));
    let forecast = ground.get(&format!("/api/campaigns/{id}/forecast")).await;
    assert_eq!((&forecast["recipients"], &forecast["messages"]), (&json!(2), &json!(6)), "{forecast}");
    // who starts it cannot agree to it, nor around it
    let own = ground.post(&format!("/api/campaigns/{id}/approval"), &json!({"approved": true})).await;
    own.error(403, "own_campaign");
    let around = ground.put(&format!("/api/campaigns/{id}/status"), &json!({"status": "active"})).await;
    around.error(409, "illegal_transition");
    ground.settle().await;
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments").await, 0);

    assert_eq!(ground.word(id, &json!({"approved": true, "note": "fine"})).await["status"], json!("preparing"));
    ground.settle().await;
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!((&read["status"], &read["approval"]["state"]), (&json!("active"), &json!("approved")), "{read}");
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments WHERE state = 'active'").await, 2);
    // by its cap it may send less
    let capped = ground.post("/api/campaigns/sequences", &ground.request(4, &json!({"maxMessages": 2}))).await;
    assert_eq!(capped.data(202)["status"], json!("preparing"));
    workers.stop().await;
}

#[tokio::test]
async fn one_refused_is_a_draft_again_and_asks_again_by_its_new_steps() {
    let ground = Ground::with(ABOVE_FIVE).await;
    ground.book(1..=2).await;
    let draft = ground.post("/api/campaigns/sequences", &ground.request(3, &json!({"draft": true}))).await.data(201);
    let id = draft["id"].as_str().unwrap();
    let status = format!("/api/campaigns/{id}/status");
    let launched = ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(launched["status"], json!("awaiting_approval"));
    assert_eq!(ground.word(id, &json!({"approved": false, "note": "too often"})).await["status"], json!("draft"));
    let steps = json!({"steps": [ground.step(-30), ground.step(-7)]});
    ground.put(&format!("/api/campaigns/{id}/steps"), &steps).await.data(200);
    let launched = ground.put(&status, &json!({"status": "active"})).await.data(200);
    assert_eq!(launched["status"], json!("preparing"), "four messages are not too many");
}

#[tokio::test]
async fn one_that_has_grown_asks_again_once_everybody_is_on_it() {
    let ground = Ground::with(ABOVE_FIVE).await;
    ground.book(1..=2).await;
    let begun = ground.post("/api/campaigns/sequences", &ground.request(2, &json!({}))).await.data(202);
    let id = begun["id"].as_str().unwrap().to_owned();
    let number: i64 = id.trim_start_matches("campaign-").parse().unwrap();
    ground.book(3..=6).await;
    let workers = ground.workers(&SENDING);
    ground.settle().await;
    assert_eq!(ground.status(number).await, "awaiting_approval");
    let forecast = ground.get(&format!("/api/campaigns/{id}/forecast")).await;
    assert_eq!((&forecast["messages"], &forecast["exact"]), (&json!(12), &json!(true)), "{forecast}");
    ground.move_to_day(ground.day(40), -30).await;
    assert_eq!(ground.messages().await, Vec::<String>::new(), "nothing goes out meanwhile");
    assert_eq!(ground.word(&id, &json!({"approved": true})).await["status"], json!("active"));
    ground.settle().await;
    assert_eq!(ground.messages().await.len(), 6, "the step that is due is taken");
    workers.stop().await;
}

#[tokio::test]
async fn newcomers_are_judged_as_a_campaign_of_their_own_would_be() {
    let ground = Ground::with(ABOVE_FIVE).await;
    ground.book(1..=2).await;
    let until = (ground.now() + TimeDelta::days(20)).to_rfc3339();
    let begun =
        ground.post("/api/campaigns/sequences", &ground.request(2, &json!({"enrolUntil": until}))).await.data(202);
    let id = begun["id"].as_str().unwrap().to_owned();
    let number: i64 = id.trim_start_matches("campaign-").parse().unwrap();
    let workers = ground.workers(&SENDING);
    ground.settle().await;
    let day = TimeDelta::hours(25);
    // four messages more: as much as one person may send in a new campaign
    ground.book(3..=4).await;
    ground.move_to(ground.now() + day).await;
    assert_eq!(ground.status(number).await, "active");
    ground.book(5..=7).await;
    ground.move_to(ground.now() + day).await;
    assert_eq!(ground.status(number).await, "awaiting_approval");
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!(
        read["error"],
        json!("with its newcomers alone it may send 6 messages: more than 5 need a second person's word"),
        "{read}"
    );
    let forecast = ground.get(&format!("/api/campaigns/{id}/forecast")).await;
    assert_eq!((&forecast["recipients"], &forecast["messages"]), (&json!(7), &json!(14)), "{forecast}");
    ground.move_to_day(ground.day(40), -30).await;
    assert_eq!(ground.messages().await, Vec::<String>::new(), "nothing goes out meanwhile");
    assert_eq!(ground.word(&id, &json!({"approved": true})).await["status"], json!("active"));
    ground.settle().await;
    assert_eq!(ground.messages().await.len(), 7, "the step that is due is taken, by newcomers too");
    // nobody is asked again about those
    ground.move_to(ground.now() + day).await;
    assert_eq!(ground.status(number).await, "active");
    workers.stop().await;
}
