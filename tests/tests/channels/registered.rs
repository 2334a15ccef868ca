//! Countries that take only text messages whose text is registered there: refused where it is asked for, left out where
//! it is checked, and the ids of a registration go out with each message, in each language its own.

use crate::ground::Ground;
use serde_json::json;
use tests::vendors::{Behaviour, TwilioServer};

async fn ground() -> (TwilioServer, Ground) {
    let twilio = TwilioServer::start(Behaviour::default()).await.unwrap();
    let mut variables = twilio.environment();
    variables.push(("SMS_REGISTERED_COUNTRIES", "IN".to_owned()));
    let ground = Ground::new(&variables).await;
    crate::ground::Peer::tell(&twilio, &ground.address);
    (twilio, ground)
}

#[tokio::test]
async fn a_text_of_its_own_needs_a_registration_where_the_country_asks_for_one() {
    let (twilio, ground) = ground().await;
    let workers = ground.workers();
    let send = async |body: &serde_json::Value| {
        ground.api.post("/api/communication/sms/send").by(&ground.user).json(body).send().await
    };
    let mut body = json!({"to": "+919876543210", "message": "Renew"});
    let error = send(&body).await.error(400, "validation_failed");
    assert_eq!(error["details"]["fields"][0]["field"], "registration", "{error}");
    body["registration"] = json!({"entityId": "1101", "header": "ACMEIN", "templateId": "1107"});
    let asked = send(&body).await.data(202);
    ground.until_status(asked["messageId"].as_str().unwrap(), "delivered").await;
    let elsewhere = send(&json!({"to": "+14155550123", "message": "Renew"})).await.data(202);
    ground.until_status(elsewhere["messageId"].as_str().unwrap(), "delivered").await;
    assert_eq!(twilio.accepted_count(), 2);
    workers.stop().await;
}

#[tokio::test]
async fn a_campaign_leaves_out_whom_an_unregistered_text_may_not_reach() {
    let (twilio, ground) = ground().await;
    let upload = ground.customers(2).await;
    let workers = ground.workers();
    let template = json!({"name": "Plain", "type": "sms", "content": "Dear {first_name}"});
    ground.campaign("sms", upload, template).await;
    ground.until_true("it is over", "SELECT status = 'completed' FROM campaigns").await;
    let reasons = ground.texts("SELECT DISTINCT reason::TEXT FROM campaign_exclusions").await;
    assert_eq!((reasons, twilio.accepted_count()), (vec!["unregistered".to_owned()], 0));
    workers.stop().await;
}

#[tokio::test]
async fn each_language_of_a_template_is_registered_by_itself() {
    let (twilio, ground) = ground().await;
    let upload = ground.customers(2).await;
    let hindi = "UPDATE customers SET language = 'hi' WHERE id = (SELECT max(id) FROM customers)";
    ground.client.batch_execute(hindi).await.unwrap();
    let workers = ground.workers();
    let registered = |id: &str| json!({"registration": {"entity_id": "1101", "template_id": id}});
    let template = |hindi: serde_json::Value| {
        json!({
            "name": "Registered", "type": "sms", "content": "Dear {first_name}", "extras": registered("1107"),
            "translations": [{"language": "hi", "content": "प्रिय {first_name}", "extras": hindi}],
        })
    };
    let blank = template(registered(" "));
    let refused = ground.api.post("/api/templates").by(&ground.user).json(&blank).send().await;
    let error = refused.error(400, "validation_failed");
    assert_eq!(error["details"]["fields"][0]["field"], "translations[0].extras.registration.template_id", "{error}");
    ground.campaign("sms", upload, template(registered("1108"))).await;
    ground.until_true("all are out", "SELECT count(*) = 2 FROM messages WHERE sent_at IS NOT NULL").await;
    let pinned = "SELECT v.extras -> 'registration' ->> 'template_id' FROM messages m \
                  JOIN template_versions v ON v.id = m.template_version_id ORDER BY m.id";
    assert_eq!(ground.texts(pinned).await, ["1107", "1108"]);
    assert_eq!(twilio.violations(), Vec::<String>::new());
    workers.stop().await;
}
