//! What WhatsApp thinks of a number, and how much one person gets: shared by all workers, and no attempt spent on it.

use crate::ground::{Ground, open_book};
use chrono::TimeDelta;
use providers::whatsapp_webhook::sign;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::{meta::MetaServer, vendors::Behaviour};

/// Meta tells us something.
pub async fn tell(ground: &Ground, meta: &MetaServer, field: &str, value: Value) {
    let change = json!({"field": field, "value": value});
    let delivery = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]});
    let secret = meta.environment().into_iter().find(|(name, _)| *name == "WHATSAPP_APP_SECRET").unwrap().1;
    let body = delivery.to_string();
    let signature = sign(&SecretString::from(secret), body.as_bytes()).unwrap();
    let call = ground.api.post("/api/webhooks/whatsapp").header("x-hub-signature-256", &signature);
    assert_eq!(call.body("application/json", body).send().await.status.as_u16(), 200);
}

#[tokio::test]
async fn who_has_had_enough_from_a_number_waits_without_an_attempt() {
    let meta = MetaServer::start(Behaviour { pair_burst: Some(1), ..open_book() }).await.unwrap();
    let ground = Ground::over(&meta).await;
    let workers = ground.workers();
    meta.write_to_us("919876543210", "Hello", None);
    ground.until_true("the window is open", "SELECT EXISTS (SELECT 1 FROM inbound_messages)").await;
    let ask = async |body: &str| {
        let body = json!({"to": "+919876543210", "content": {"type": "text", "body": body}});
        ground.post("/api/communication/whatsapp/send", body).await["messageId"].as_str().unwrap().to_owned()
    };
    let first = ask("one").await;
    ground.until_status(&first, "read").await;
    let second = ask("two").await;
    ground
        .until_true(
            "the refusal is recorded",
            "SELECT EXISTS (SELECT 1 FROM message_attempts WHERE code = '131056' AND outcome = 'again')",
        )
        .await;
    let told = ground.get(&format!("/api/communication/delivery-status/{second}")).await;
    assert_eq!((&told["status"], &told["attempts"]), (&json!("pending"), &json!(0)), "{told}");
    meta.change(|behaviour| behaviour.pair_burst = None);
    // somebody else is not held back
    meta.write_to_us("919876543211", "Hello", None);
    ground.until_true("theirs is open", "SELECT count(*) = 2 FROM inbound_messages").await;
    let other = json!({"to": "+919876543211", "content": {"type": "text", "body": "three"}});
    ground.post("/api/communication/whatsapp/send", other).await;
    ground.until_true("it is out", "SELECT count(*) = 2 FROM messages WHERE sent_at IS NOT NULL").await;
    ground.until_status(&second, "read").await;
    assert_eq!((meta.accepted_count(), meta.doubles().len()), (3, 0));
    assert_eq!(meta.refusals().get(&131_056), Some(&1), "held back here, not asked there");
    workers.stop().await;
}

#[tokio::test]
async fn a_number_writes_first_to_as_many_people_a_day_as_its_tier_allows() {
    let meta = MetaServer::start(Behaviour { quality: "RED", tier: "TIER_2", ..open_book() }).await.unwrap();
    let ground = Ground::over(&meta).await;
    let upload = ground.customers(5).await;
    let workers = ground.workers();
    let flagged = json!({"display_phone_number": "15550783881", "event": "FLAGGED", "current_limit": "TIER_2"});
    tell(&ground, &meta, "phone_number_quality_update", flagged).await;
    ground.until_true("it is known", "SELECT EXISTS (SELECT 1 FROM sending_accounts WHERE quality = 'RED')").await;
    let accounts = ground.get("/api/communication/accounts").await;
    let account =
        accounts["accounts"].as_array().unwrap().iter().find(|one| one["provider"] == "whatsapp_cloud").unwrap();
    assert_eq!((&account["quality"], &account["dailyRecipients"]), (&json!("RED"), &json!(2)), "{account}");
    let template = json!({"name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}"});
    ground.campaign("whatsapp", upload, template).await;
    ground.until_true("it waits", "SELECT COALESCE(error, '') LIKE '%as many people%' FROM campaigns").await;
    assert_eq!(meta.accepted_count(), 2);
    let untouched = "SELECT count(*) FROM messages WHERE status = 'pending' AND attempts = 0";
    assert_eq!(ground.number(untouched).await, 3, "no attempt was spent");
    meta.change(|behaviour| (behaviour.quality, behaviour.tier) = ("GREEN", "TIER_UNLIMITED"));
    tell(&ground, &meta, "phone_number_quality_update", json!({"event": "UPGRADE", "current_limit": "TIER_10K"})).await;
    ground
        .until_true("it is better", "SELECT quality = 'GREEN' AND daily_recipients IS NULL FROM sending_accounts")
        .await;
    ground.api.state.services.clock.advance(TimeDelta::hours(25));
    ground.until_true("all are out", "SELECT count(*) = 5 FROM messages WHERE sent_at IS NOT NULL").await;
    assert_eq!((meta.accepted_count(), meta.doubles().len()), (5, 0));
    workers.stop().await;
}
