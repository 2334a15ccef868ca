//! Templates from the draft through review to the end.

use crate::ground::Ground;
use serde_json::{Value, json};
use tests::{diesel_schema::connect, http::TestApi};

const PATH: &str = "/api/whatsapp/templates";

fn due(name: &str) -> Value {
    json!({"name": name, "language": "en_US", "category": "utility", "components": [
        {"type": "BODY", "text": "Dear {{1}}, your policy {{2}} falls due.", "example": {"body_text": [["Asha", "P-1"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Renew"}]},
    ]})
}

async fn written(ground: &Ground, name: &str) -> String {
    ground.post(PATH, Some(&due(name))).await.data(201)["id"].as_str().unwrap().to_owned()
}

async fn shown(ground: &Ground, id: &str) -> Value {
    ground.get(&format!("{PATH}/{id}")).send().await.data(200)
}

#[tokio::test]
async fn a_template_goes_through_review_and_is_kept_in_step() {
    let ground = Ground::new().await;
    let id = written(&ground, "renewal_due").await;
    assert_eq!(shown(&ground, &id).await["status"], "draft");
    assert_eq!(ground.account.holds().calls, [] as [String; 0]);
    let submit = |id: &str| ground.api.post(&format!("{PATH}/{id}/submit")).by(&ground.user);
    let sync = || ground.api.post(&format!("{PATH}/sync")).by(&ground.user);
    assert_eq!(ground.done(submit(&id)).await["status"], "pending");
    let pending = shown(&ground, &id).await;
    assert_eq!(pending["providerTemplateId"], ground.account.holds().templates[0]["id"]);
    // what is in review does not change
    let again = ground.api.put(&format!("{PATH}/{id}")).by(&ground.user).json(&due("renewal_due")).send().await;
    again.error(409, "template_is_fixed");
    {
        let mut holds = ground.account.holds();
        holds.templates[0]["status"] = json!("APPROVED");
        holds.templates[0]["category"] = json!("MARKETING");
        holds.templates[0]["quality_score"] = json!({"score": "GREEN"});
        // written elsewhere, more than a page of them
        for name in ["other_one", "other_two"] {
            holds.templates.push(json!({
                "id": name, "name": name, "language": "hi", "status": "REJECTED", "category": "UTILITY",
                "rejected_reason": "INVALID_FORMAT", "components": [{"type": "BODY", "text": "x"}],
            }));
        }
    }
    assert_eq!(ground.done(sync()).await, json!({"templates": 3, "changed": 3}));
    assert_eq!(ground.done(sync()).await, json!({"templates": 3, "changed": 0}));
    let approved = shown(&ground, &id).await;
    assert_eq!(
        (&approved["status"], &approved["category"], &approved["quality"]),
        (&json!("approved"), &json!("marketing"), &json!("GREEN"))
    );
    assert!(approved["approvedAt"].is_string());
    let rejected = ground.get(&format!("{PATH}?status=rejected")).send().await.data(200);
    assert_eq!(rejected["pagination"]["total"], 2);
    assert_eq!(rejected["templates"][0]["rejectedReason"], "INVALID_FORMAT");
    // a changed one is a draft until it is handed in again
    let mut changed = due("renewal_due");
    changed["category"] = json!("marketing");
    changed["components"][0]["text"] = json!("Dear {{1}}, {{2}} falls due soon.");
    let put = ground.api.put(&format!("{PATH}/{id}")).by(&ground.user).json(&changed).send().await.data(200);
    assert_eq!(put["status"], "draft");
    ground.done(sync()).await;
    assert_eq!(shown(&ground, &id).await["status"], "draft");
    ground.done(submit(&id)).await;
    assert_eq!(ground.account.holds().templates[0]["components"][0]["text"], "Dear {{1}}, {{2}} falls due soon.");
    let mut moved = due("another_name");
    moved["category"] = json!("marketing");
    ground.account.holds().templates[0]["status"] = json!("REJECTED");
    ground.done(sync()).await;
    let put = ground.api.put(&format!("{PATH}/{id}")).by(&ground.user).json(&moved).send().await;
    put.error(409, "template_is_known");
    ground.done(ground.api.delete(&format!("{PATH}/{id}")).by(&ground.user)).await;
    ground.get(&format!("{PATH}/{id}")).send().await.error(404, "not_found");
    assert_eq!(ground.account.holds().templates.len(), 2);
    assert_eq!(ground.account.holds().violations, [] as [String; 0]);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_for_before_a_template_is_handed_in_again() {
    let ground = Ground::new().await;
    let id = written(&ground, "lost_answer").await;
    ground.account.holds().lost = 1;
    let submitted = ground.api.post(&format!("{PATH}/{id}/submit")).by(&ground.user).send().await;
    submitted.data(202);
    ground.work().await;
    let client = connect(ground.api.base.database.url()).await;
    // the second attempt is due at once
    client
        .execute(
            "UPDATE jobs SET run_at = now() - interval '1 hour', state = 'available' WHERE state = 'scheduled'",
            &[],
        )
        .await
        .unwrap();
    let untold = client.query("SELECT id, queue, priority FROM jobs WHERE state = 'available'", &[]).await.unwrap();
    let ready =
        untold.iter().map(|row| schema::ledger::Ready { id: row.get(0), queue: row.get(1), priority: row.get(2) });
    ground.api.state.services.dispatcher.push_ready(&ready.collect::<Vec<_>>()).await;
    ground.work().await;
    assert_eq!(shown(&ground, &id).await["providerTemplateId"], ground.account.holds().templates[0]["id"]);
    let holds = ground.account.holds();
    assert_eq!(holds.calls, ["POST message_templates", "GET message_templates"]);
    assert_eq!(holds.templates.len(), 1);
}

#[tokio::test]
async fn what_would_be_refused_is_told_at_once_and_what_is_refused_is_kept() {
    let ground = Ground::new().await;
    let mut faulty = due("Renewal Due");
    faulty["components"][0]["example"] = Value::Null;
    let told = ground.post(PATH, Some(&faulty)).await.error(400, "validation_failed");
    let fields: Vec<_> =
        told["details"]["fields"].as_array().unwrap().iter().map(|fault| fault["field"].clone()).collect();
    assert_eq!(fields, ["name", "components[0].example.body_text"]);
    let mut unknown = due("unknown_part");
    unknown["components"][0]["type"] = json!("CAROUSEL");
    ground.post(PATH, Some(&unknown)).await.error(400, "validation_failed");
    written(&ground, "taken_here").await;
    ground.post(PATH, Some(&due("taken_here"))).await.error(409, "template_exists");
    // there already, from elsewhere
    let there =
        json!({"id": "1", "name": "taken_there", "language": "en_US", "status": "APPROVED", "category": "UTILITY"});
    ground.account.holds().templates.push(there);
    let id = written(&ground, "taken_there").await;
    ground.done(ground.api.post(&format!("{PATH}/{id}/submit")).by(&ground.user)).await;
    let refused = shown(&ground, &id).await;
    assert_eq!(refused["status"], "rejected");
    assert!(refused["rejectedReason"].as_str().unwrap().contains("already exists"), "{refused}");
}

#[tokio::test]
async fn without_an_account_the_sandbox_approves() {
    let account = tests::meta_account::MetaAccount::start().await;
    let api = TestApi::new().await;
    let user = api.user(domain::permissions::SystemRole::CampaignManager).await;
    let ground = Ground { api, account, user };
    let id = written(&ground, "offline").await;
    ground.done(ground.api.post(&format!("{PATH}/{id}/submit")).by(&ground.user)).await;
    assert_eq!(shown(&ground, &id).await["status"], "approved");
    ground.done(ground.api.delete(&format!("{PATH}/{id}")).by(&ground.user)).await;
    assert_eq!(ground.account.holds().calls, [] as [String; 0]);
}

#[tokio::test]
async fn the_provider_saying_that_one_stands_differently_has_all_asked_about() {
    let ground = Ground::new().await;
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "time": 1, "changes": [
        {"field": "message_template_status_update", "value": {"event": "APPROVED", "message_template_id": 1}},
    ]}]})
    .to_string();
    let signature = providers::whatsapp_webhook::sign(&"secret".to_owned().into(), body.as_bytes());
    let delivered =
        ground.api.post("/api/webhooks/whatsapp").header("x-hub-signature-256", &signature.expect("a signature"));
    assert_eq!(delivered.body("application/json", body).send().await.status.as_u16(), 200);
    ground.work().await;
    assert_eq!(ground.account.holds().calls, ["GET message_templates"]);
}
