//! Messages of which nobody knows whether the provider took them: looked up, waited for, closed by policy, and never sent
//! again on a guess.

use crate::{ground::Ground, numbers::tell};
use jobs::{NewJob, kinds::settle_unconfirmed::SettleUnconfirmed};
use serde_json::json;
use tests::{
    meta::MetaServer,
    vendors::{Behaviour, SendgridServer, TwilioServer, WebhookBehaviour},
};

/// A vendor that loses every call, after it took the message or before, and tells nothing later.
fn losing(after: f64) -> Behaviour {
    let webhooks = WebhookBehaviour { missing: 1.0, ..WebhookBehaviour::default() };
    Behaviour { reset_after: after, reset_before: 1.0 - after, webhooks, ..Behaviour::default() }
}

async fn asked(ground: &Ground, channel: &str, to: &str) -> String {
    let body = json!({"to": to, "message": "Renew", "subject": "Renew", "text": "Renew"});
    let fields: &[&str] = if channel == "sms" { &["to", "message"] } else { &["to", "subject", "text"] };
    let body: serde_json::Map<_, _> = fields.iter().map(|name| ((*name).to_owned(), body[*name].clone())).collect();
    let path = format!("/api/communication/{channel}/send");
    let id = ground.post(&path, body.into()).await["messageId"].as_str().unwrap().to_owned();
    ground.until_status(&id, "unconfirmed").await;
    id
}

/// As if the attempts had been made so much earlier.
async fn age(ground: &Ground, minutes: i64) {
    let back = format!("interval '{minutes} minutes'");
    let earlier = format!(
        "UPDATE messages SET updated_at = updated_at - {back}, look_up_at = NULL WHERE status = 'unconfirmed'; \
         UPDATE message_checks SET checked_at = checked_at - {back};"
    );
    ground.client.batch_execute(&earlier).await.unwrap();
}

/// Settles what is to be settled now; what it says it did.
async fn settle(ground: &Ground) -> serde_json::Value {
    let job = NewJob::of(&SettleUnconfirmed {}).unwrap();
    let id = job.id;
    ground.api.state.services.enqueue_now(&[job]).await.unwrap();
    ground.until_true("it ran", &format!("SELECT state = 'succeeded' FROM jobs WHERE id = '{id}'")).await;
    let result = ground.texts(&format!("SELECT result::TEXT FROM jobs WHERE id = '{id}'")).await.remove(0);
    serde_json::from_str(&result).unwrap()
}

#[tokio::test]
async fn what_the_provider_has_is_found_with_what_became_of_it_and_what_it_costs() {
    let twilio = TwilioServer::start(losing(1.0)).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    let id = asked(&ground, "sms", "+919876543210").await;
    assert_eq!(settle(&ground).await["found"], 0, "a word of the provider may still come");
    // the stand-in's clock is the real one: only since when nothing is known is moved
    ground.client.batch_execute("UPDATE messages SET updated_at = now() - interval '12 minutes'").await.unwrap();
    assert_eq!(settle(&ground).await["found"], 1);
    let told = ground.until_status(&id, "delivered").await;
    assert_eq!((&told["attempts"], &told["errorCode"]), (&json!(1), &json!(null)), "{told}");
    let cost = "SELECT cost::TEXT || ' ' || cost_currency FROM messages WHERE provider_message_id LIKE 'SM%'";
    assert_eq!(ground.texts(cost).await, ["0.0083 USD"], "what was charged, not what was expected");
    assert_eq!((twilio.accepted_count(), twilio.violations()), (1, Vec::new()));
    workers.stop().await;
}

#[tokio::test]
async fn what_the_provider_never_had_is_sent_again_and_only_that() {
    let twilio = TwilioServer::start(losing(0.0)).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    let id = asked(&ground, "sms", "+919876543210").await;
    ground.client.batch_execute("UPDATE messages SET updated_at = now() - interval '12 minutes'").await.unwrap();
    let early = settle(&ground).await;
    assert_eq!((&early["neverTaken"], &early["later"]), (&json!(0), &json!(1)), "a list may still change: {early}");
    twilio.change(|behaviour| (behaviour.reset_before, behaviour.webhooks.missing) = (0.0, 0.0));
    age(&ground, 30).await;
    assert_eq!(settle(&ground).await["neverTaken"], 1);
    let told = ground.until_status(&id, "delivered").await;
    assert_eq!(told["attempts"], 2, "{told}");
    assert_eq!((twilio.accepted_count(), twilio.doubles().len()), (1, 0));
    workers.stop().await;
}

#[tokio::test]
async fn of_two_to_one_number_neither_is_taken_for_the_other() {
    let twilio = TwilioServer::start(losing(1.0)).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    asked(&ground, "sms", "+919876543210").await;
    twilio.change(|behaviour| (behaviour.reset_after, behaviour.reset_before) = (0.0, 1.0));
    asked(&ground, "sms", "+919876543210").await;
    ground.client.batch_execute("UPDATE messages SET updated_at = now() - interval '12 minutes'").await.unwrap();
    let done = settle(&ground).await;
    assert_eq!((&done["found"], &done["neverTaken"], &done["later"]), (&json!(0), &json!(0), &json!(2)), "{done}");
    assert_eq!(ground.by_status().await, [("unconfirmed".to_owned(), 2)].into());
    workers.stop().await;
}

#[tokio::test]
async fn a_campaign_that_is_over_sends_no_more_and_says_what_failed() {
    let twilio = TwilioServer::start(losing(0.0)).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let upload = ground.customers(3).await;
    let workers = ground.workers();
    let template = json!({"name": "Reminder", "type": "sms", "content": "Dear {first_name}"});
    let campaign = ground.campaign("sms", upload, template).await;
    ground.until_true("it is over", "SELECT status = 'completed' FROM campaigns").await;
    twilio.change(|behaviour| behaviour.reset_before = 0.0);
    age(&ground, 40).await;
    assert_eq!(settle(&ground).await["neverTaken"], 3);
    let failed = "SELECT count(*) FROM messages WHERE status = 'failed' AND error_code = 'never_taken' \
                  AND failed_at IS NOT NULL";
    assert_eq!(ground.number(failed).await, 3);
    ground.until_true("it is counted", "SELECT failed_count = 3 AND unconfirmed_count = 0 FROM campaigns").await;
    assert_eq!((twilio.accepted_count(), campaign.is_empty()), (0, false));
    workers.stop().await;
}

#[tokio::test]
async fn an_account_that_cannot_be_asked_closes_by_its_own_policy() {
    let sendgrid = SendgridServer::start(losing(1.0)).await.unwrap();
    let ground = Ground::over(&sendgrid).await;
    let workers = ground.workers();
    let accounts = ground.get("/api/communication/accounts").await;
    let account = accounts["accounts"].as_array().unwrap().iter().find(|one| one["provider"] == "sendgrid").unwrap();
    assert_eq!(account["unconfirmed"], json!({"afterMinutes": 1440, "closeAs": "unconfirmed"}));
    let path = format!("/api/communication/accounts/{}/unconfirmed", account["account"].as_str().unwrap());
    let put = async |rule: serde_json::Value| ground.api.put(&path).by(&ground.user).json(&rule).send().await;
    put(json!({"afterMinutes": 30, "closeAs": "guess"})).await.error(400, "validation_failed");
    put(json!({"afterMinutes": 1, "closeAs": "sent"})).await.error(400, "validation_failed");
    let elsewhere = ground.api.put("/api/communication/accounts/nobody/unconfirmed").by(&ground.user);
    elsewhere.json(&json!({"afterMinutes": 30, "closeAs": "sent"})).send().await.error(404, "not_found");
    for (rule, expected) in [("sent", "sent"), ("failed", "failed"), ("unconfirmed", "unconfirmed")] {
        put(json!({"afterMinutes": 30, "closeAs": rule})).await.data(200);
        let id = asked(&ground, "email", &format!("{rule}@example.com")).await;
        age(&ground, 29).await;
        assert_eq!(settle(&ground).await["closed"], 0, "{rule}: its time has not come");
        age(&ground, 2).await;
        assert_eq!(settle(&ground).await["closed"], 1, "{rule}");
        assert_eq!(settle(&ground).await["closed"], 0, "{rule}: once");
        let told = ground.until_status(&id, expected).await;
        assert_eq!((&told["errorCode"], &told["attempts"]), (&json!("never_confirmed"), &json!(1)), "{told}");
    }
    assert_eq!((sendgrid.accepted_count(), sendgrid.doubles().len()), (3, 0));
    workers.stop().await;
}

#[tokio::test]
async fn a_paused_account_is_not_asked() {
    let twilio = TwilioServer::start(losing(1.0)).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    asked(&ground, "sms", "+919876543210").await;
    let paused = "UPDATE messages SET updated_at = now() - interval '12 minutes'; \
        INSERT INTO sending_accounts (account, channel, provider, paused_at, paused_reason) \
        SELECT account, channel, provider, now(), 'credentials' FROM messages";
    ground.client.batch_execute(paused).await.unwrap();
    let requests = twilio.requests();
    assert_eq!(settle(&ground).await["found"], 0);
    assert_eq!(twilio.requests(), requests, "nobody was asked");
    workers.stop().await;
}

#[tokio::test]
async fn a_word_that_comes_after_the_policy_has_closed_it_is_right_and_nothing_undoes_it() {
    let meta = MetaServer::start(losing(1.0)).await.unwrap();
    let ground = Ground::over(&meta).await;
    let upload = ground.customers(3).await;
    let workers = ground.workers();
    let accounts = ground.get("/api/communication/accounts").await;
    let account =
        accounts["accounts"].as_array().unwrap().iter().find(|one| one["provider"] == "whatsapp_cloud").unwrap();
    let path = format!("/api/communication/accounts/{}/unconfirmed", account["account"].as_str().unwrap());
    let template = json!({"name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}"});
    let campaign = ground.campaign("whatsapp", upload, template).await;
    ground.until_true("nothing is known", "SELECT count(*) = 3 FROM messages WHERE status = 'unconfirmed'").await;
    age(&ground, 31).await;
    // one each: the policy of the account changes between
    for rule in ["sent", "failed", "unconfirmed"] {
        let closed = ground.api.put(&path).by(&ground.user).json(&json!({"afterMinutes": 30, "closeAs": rule}));
        closed.send().await.data(200);
        let others = "UPDATE messages SET updated_at = now() + interval '1 day' \
                      WHERE status = 'unconfirmed' AND error_code IS DISTINCT FROM 'never_confirmed' \
                        AND id > (SELECT min(id) FROM messages WHERE error_code IS DISTINCT FROM 'never_confirmed')";
        ground.client.batch_execute(others).await.unwrap();
        assert_eq!(settle(&ground).await["closed"], 1, "{rule}");
        age(&ground, 24 * 60 + 31).await;
    }
    let closed = "SELECT status::TEXT FROM messages WHERE error_code = 'never_confirmed' ORDER BY id";
    assert_eq!(ground.texts(closed).await, ["sent", "failed", "unconfirmed"]);

    let word = async |status: &str, code: Option<i64>| {
        let told: Vec<_> = meta
            .accepted()
            .iter()
            .map(|message| {
                let mut told = json!({"id": message.wamid, "status": status, "timestamp": "1900000000",
                "recipient_id": message.recipient, "biz_opaque_callback_data": message.correlation});
                if let Some(code) = code {
                    told["errors"] = json!([{"code": code, "title": "Failed", "message": "Failed",
                                         "error_data": {"details": "Failed"}}]);
                }
                told
            })
            .collect();
        let value = json!({"messaging_product": "whatsapp", "statuses": told,
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}});
        tell(&ground, &meta, "messages", value).await;
        let applied = "SELECT count(*) = 0 FROM provider_events WHERE applied_at IS NULL";
        ground.until_true("it is applied", applied).await;
    };
    assert_eq!(meta.accepted_count(), 3);
    word("delivered", None).await;
    ground.until_true("they were delivered", "SELECT count(*) = 3 FROM messages WHERE status = 'delivered'").await;
    // earlier words that come late, and the same ones again
    for (status, code) in [("sent", None), ("delivered", None), ("failed", Some(131_026))] {
        word(status, code).await;
        assert_eq!(ground.by_status().await, [("delivered".to_owned(), 3)].into(), "{status}");
    }
    word("read", None).await;
    assert_eq!(ground.by_status().await, [("read".to_owned(), 3)].into());
    assert_eq!(settle(&ground).await["closed"], 0);
    let counted = "SELECT delivered_count = 3 AND failed_count = 0 AND unconfirmed_count = 0 FROM campaigns";
    ground.until_true("it is counted so", counted).await;
    let left = "SELECT count(*) FROM messages WHERE error_code IS NOT NULL OR failed_at IS NOT NULL";
    assert_eq!(ground.number(left).await, 0, "nothing of the guess is left");
    assert_eq!((meta.doubles().len(), campaign.is_empty()), (0, false));
    workers.stop().await;
}
