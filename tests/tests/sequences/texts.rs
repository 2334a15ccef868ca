//! What steps say is tried before anybody is on the ladder, and told by step.

use crate::ground::{Ground, Person};
use serde_json::{Value, json};

impl Ground {
    async fn template(&self, name: &str, content: &str) -> String {
        let template = json!({"name": name, "type": "sms", "content": content});
        self.post("/api/templates", &template).await.data(201)["templateId"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_no_step_could_send_is_refused_with_its_step() {
    let ground = Ground::new().await;
    let unknown = ground.template("motto", "Dear {name}, {motto}").await;
    let of_mails = ground.template("link", "Stop: {unsubscribe_url}").await;
    let gone = ground.template("gone", "Dear {name}").await;
    ground.run("UPDATE templates SET is_active = FALSE WHERE name = 'gone'").await;
    let sms =
        |days: i64, template: &str| json!({"days": days, "at": "10:00", "channel": "sms", "templateId": template});
    let mut last = ground.step(-1);
    last["fallback"] = json!({"channel": "sms", "templateId": gone, "unless": "read", "hours": 4});
    let missing = sms(-2, "template-999999");
    let steps = [ground.step(-30), sms(-15, &unknown), sms(-7, &of_mails), missing, last];
    let request = json!({"name": "Ladder", "targetAudience": "all", "steps": steps});
    let told = ground.post("/api/campaigns/sequences", &request).await;
    let error = told.error(400, "validation_failed");
    let mut faults: Vec<String> = error["details"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| format!("{} {}", fault["field"].as_str().unwrap(), fault["message"].as_str().unwrap()))
        .collect();
    faults.sort_unstable();
    let expected = [
        "steps[1].templateId has no value for motto for anybody",
        "steps[2].templateId has no value for unsubscribe_url for anybody",
        "steps[3].templateId there is no such template",
        "steps[4].fallback.templateId is not active any more",
    ];
    assert_eq!(faults, expected);
    assert_eq!(ground.number("SELECT count(*) FROM campaigns").await, 0);
}

#[tokio::test]
async fn a_draft_whose_text_was_switched_off_meanwhile_does_not_begin() {
    let ground = Ground::new().await;
    ground.people(&[Person::new(1, ground.day(40))]).await;
    let steps: [Value; 2] = [ground.step(-30), ground.step_on(-7, 2)];
    let campaign = ground.ladder(&steps, &json!({"draft": true})).await;
    ground.run("UPDATE templates SET is_active = FALSE WHERE template_type = 'sms'").await;
    ground.ask(campaign, "active").await;
    let workers = ground.workers(&["campaigns=1"]);
    ground.settle_on("'campaigns'").await;
    let read = ground.get(&format!("/api/campaigns/campaign-{campaign}")).await;
    assert_eq!(
        (&read["status"], &read["error"]),
        (&json!("failed"), &json!("the template of step 2 is not active any more"))
    );
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments").await, 0);
    workers.stop().await;
}
