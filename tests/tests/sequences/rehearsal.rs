//! A whole ladder over the sandbox: every step within minutes, for everybody and nobody.

use crate::ground::{Ground, Person, SENDING};
use chrono::TimeDelta;
use serde_json::json;
use tests::meta::{Behaviour, MetaServer};

#[tokio::test]
async fn a_ladder_is_rehearsed_step_by_step_and_nobody_gets_it() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ground = Ground::with(&variables).await;
    let workers = ground.workers(&SENDING);
    let ends = ground.day(40);
    ground
        .people(&[
            Person { phone: Some("+919876543211"), ..Person::new(1, ends) },
            Person { phone: Some("+919876543212"), has_email: false, ..Person::new(2, ends) },
        ])
        .await;
    // in the middle of the day, so that nothing waits for the morning
    ground.move_to_day(ground.day(1), 0).await;
    let mut mail = ground.step(-15);
    mail["fallback"] = json!({"channel": "sms", "templateId": ground.templates[2], "unless": "delivered", "hours": 48});
    let steps = [ground.step_on(-30, 1), mail, ground.step_on(5, 2)];
    let until = (ground.now() + TimeDelta::days(90)).to_rfc3339();
    let draft = ground.ladder(&steps, &json!({"draft": true, "enrolUntil": until})).await;
    let rehearsed = ground.post(&format!("/api/campaigns/campaign-{draft}/rehearsal"), &json!({})).await.data(202);
    let rehearsal: i64 = rehearsed["id"].as_str().unwrap().trim_start_matches("campaign-").parse().unwrap();
    ground.settle().await;
    assert_eq!(ground.messages().await.len(), 2, "the first step is due at once");
    for _ in 0..10 {
        ground.move_to(ground.now() + TimeDelta::seconds(61)).await;
    }
    let taken = "SELECT policy_id || '/' || step || '/' || channel FROM messages \
                 WHERE rehearsal AND provider = 'sandbox' AND sent_at IS NOT NULL ORDER BY policy_id, step, id";
    let failed = ground.number("SELECT count(*) FROM messages WHERE status NOT IN ('sent', 'failed')").await;
    assert_eq!(failed, 0, "{:?}", ground.messages().await);
    let written = ground
        .texts("SELECT policy_id || '/' || step || '/' || channel FROM messages ORDER BY policy_id, step, id")
        .await;
    let ways = ["1/0/whatsapp", "1/1/email", "1/1/sms", "1/2/sms", "2/0/whatsapp", "2/1/sms", "2/2/sms"];
    assert_eq!(written, ways);
    // the sandbox fails some
    assert!(ground.texts(taken).await.len() >= 4, "{:?}", ground.messages().await);
    assert_eq!(ground.status(rehearsal).await, "completed");
    assert_eq!(meta.accepted_count(), 0, "nobody got anything");
    assert_eq!(ground.status(draft).await, "draft", "the original is as it was");

    // the term is not taken by a rehearsal
    ground.ask(draft, "active").await;
    ground.settle().await;
    let on_it = format!("SELECT count(*) FROM campaign_enrolments WHERE campaign_id = {draft} AND state = 'active'");
    assert_eq!(ground.number(&on_it).await, 2);
    workers.stop().await;
}
