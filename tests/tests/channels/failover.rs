//! Accounts that cannot send: their messages wait, or go out over the next one.

use crate::ground::open_book;
use crate::ground::{Ground, Peer};
use crate::numbers::tell;
use serde_json::json;
use tests::{
    meta::{MetaServer, OTHER_PHONE_NUMBER_ID},
    vendors::{Behaviour, SendgridServer, TwilioServer},
};

#[tokio::test]
async fn messages_of_an_account_at_fault_wait_until_a_person_lets_it_send_again() {
    let twilio = TwilioServer::start(Behaviour { token_expired: true, ..Behaviour::default() }).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    let asked = ground.post("/api/communication/sms/send", json!({"to": "+919876543210", "message": "Renew"})).await;
    let id = asked["messageId"].as_str().unwrap();
    ground
        .until_true("it is paused", "SELECT EXISTS (SELECT 1 FROM sending_accounts WHERE paused_at IS NOT NULL)")
        .await;
    let accounts = ground.get("/api/communication/accounts").await;
    let account = accounts["accounts"].as_array().unwrap().iter().find(|one| one["provider"] == "twilio").unwrap();
    assert!(account["pausedReason"].as_str().is_some_and(|why| why.contains("20003")), "{account}");
    assert_eq!(ground.number("SELECT count(*) FROM notifications WHERE type = 'account_paused'").await, 1);
    let told = ground.get(&format!("/api/communication/delivery-status/{id}")).await;
    assert_eq!((&told["status"], &told["attempts"]), (&json!("pending"), &json!(0)), "{told}");
    twilio.change(|behaviour| behaviour.token_expired = false);
    let name = account["account"].as_str().unwrap();
    let resumed = ground.post(&format!("/api/communication/accounts/{name}/resume"), json!({})).await;
    assert_eq!(resumed["message"], "The account sends again");
    ground.until_status(id, "delivered").await;
    assert_eq!(twilio.accepted_count(), 1);
    workers.stop().await;
}

#[tokio::test]
async fn a_second_account_goes_on_while_the_first_is_at_fault() {
    let broken = SendgridServer::start(Behaviour { token_expired: true, ..Behaviour::default() }).await.unwrap();
    let whole = SendgridServer::start(Behaviour::default()).await.unwrap();
    let mut variables = broken.environment();
    let second = [
        ("SENDGRID_BASE_URL", "SENDGRID_BASE_URL_2"),
        ("SENDGRID_API_KEY", "SENDGRID_API_KEY_2"),
        ("SENDGRID_WEBHOOK_PUBLIC_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY_2"),
    ];
    for (name, value) in whole.environment() {
        variables.extend(second.iter().find(|(known, _)| *known == name).map(|(_, numbered)| (*numbered, value)));
    }
    variables.push(("SENDGRID_FROM_EMAIL_2", "second@renewals.example".to_owned()));
    let ground = Ground::new(&variables).await;
    whole.tell(&ground.address);
    let upload = ground.customers(40).await;
    let workers = ground.workers();
    let template = json!({"name": "Mail", "type": "email", "subject": "Renew", "content": "Dear {name}"});
    let campaign = ground.campaign("email", upload, template).await;
    ground.until_true("all are out", "SELECT count(*) = 40 FROM messages WHERE sent_at IS NOT NULL").await;
    assert_eq!((broken.accepted_count(), whole.accepted_count(), whole.doubles().len()), (0, 40, 0));
    assert_eq!(ground.texts("SELECT DISTINCT account::TEXT FROM messages").await, ["sendgrid:second@renewals.example"]);
    assert_eq!(ground.number("SELECT max(attempts)::BIGINT FROM messages").await, 1, "a fault spends no attempt");
    ground.until_true("it is over", "SELECT status = 'completed' AND error IS NULL FROM campaigns").await;
    assert_eq!(ground.get(&format!("/api/campaigns/{campaign}")).await["status"], "completed");
    workers.stop().await;
}

#[tokio::test]
async fn a_second_number_writes_to_those_for_whom_the_first_has_no_room_today() {
    let small = MetaServer::start(Behaviour { tier: "TIER_2", ..open_book() }).await.unwrap();
    let large = MetaServer::start(Behaviour { tier: "TIER_UNLIMITED", ..open_book() }).await.unwrap();
    let mut variables = small.environment();
    variables.extend(large.environment().into_iter().filter_map(|(name, value)| match name {
        "WHATSAPP_BASE_URL" => Some(("WHATSAPP_BASE_URL_2", value)),
        "WHATSAPP_ACCESS_TOKEN" => Some(("WHATSAPP_ACCESS_TOKEN_2", value)),
        "WHATSAPP_APP_SECRET" => Some(("WHATSAPP_APP_SECRET_2", value)),
        "WHATSAPP_WEBHOOK_VERIFY_TOKEN" => Some(("WHATSAPP_WEBHOOK_VERIFY_TOKEN_2", value)),
        _ => None,
    }));
    variables.push(("WHATSAPP_PHONE_NUMBER_ID_2", OTHER_PHONE_NUMBER_ID.to_owned()));
    // another number is another face: that is asked for
    variables.push(("FAILOVER_CHANNELS", "whatsapp".to_owned()));
    let ground = Ground::new(&variables).await;
    for server in [&small, &large] {
        server.tell(&ground.address);
    }
    let upload = ground.customers(7).await;
    let workers = ground.workers();
    tell(&ground, &small, "phone_number_quality_update", json!({"event": "FLAGGED", "current_limit": "TIER_2"})).await;
    ground
        .until_true(
            "the limits are known",
            "SELECT count(*) = 1 FROM sending_accounts WHERE daily_recipients = 2 AND account NOT LIKE '%2923'",
        )
        .await;
    let template = json!({"name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}"});
    let campaign = ground.campaign("whatsapp", upload, template).await;
    ground.until_true("all are out", "SELECT count(*) = 7 FROM messages WHERE sent_at IS NOT NULL").await;
    assert_eq!((small.accepted_count(), large.accepted_count()), (2, 5));
    assert_eq!((small.doubles().len(), large.doubles().len()), (0, 0));
    assert_eq!(
        ground.number("SELECT max(attempts)::BIGINT FROM messages").await,
        1,
        "what is handed on spends nothing"
    );
    ground.until_true("it is over", "SELECT status = 'completed' AND error IS NULL FROM campaigns").await;
    assert_eq!(ground.get(&format!("/api/campaigns/{campaign}")).await["status"], "completed");
    workers.stop().await;
}
