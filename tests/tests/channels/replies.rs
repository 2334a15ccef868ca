//! What comes back: answers tied to what they answer, STOP and START, bounces that add up.

use crate::ground::{Ground, Peer};
use serde_json::json;
use tests::vendors::{Behaviour, SendgridServer, TwilioServer, WebhookBehaviour};

#[tokio::test]
async fn an_answer_belongs_to_its_customer_case_and_message_and_stop_is_heeded() {
    let twilio = TwilioServer::start(Behaviour::default()).await.unwrap();
    let ground = Ground::over(&twilio).await;
    ground.customers(1).await;
    let workers = ground.workers();
    let customer = ground.number("SELECT id FROM customers").await;
    let case = ground.number("SELECT id FROM renewal_cases").await;
    let ask = async || {
        let body = json!({
            "customerId": format!("customer-{customer}"), "caseId": format!("case-{case}"), "message": "Renew?",
        });
        ground.post("/api/communication/sms/send", body).await["messageId"].as_str().unwrap().to_owned()
    };
    let first = ask().await;
    ground.until_status(&first, "delivered").await;
    let phone = ground.texts("SELECT phone::TEXT FROM customers").await.remove(0);
    twilio.write_to_us(&phone, "Yes please");
    let tied = format!(
        "SELECT EXISTS (SELECT 1 FROM inbound_messages WHERE customer_id = {customer} AND case_id = {case} \
         AND in_reply_to IS NOT NULL AND body = 'Yes please')"
    );
    ground.until_true("the answer is tied", &tied).await;
    assert!(ground.until_status(&first, "delivered").await["repliedAt"].is_string());
    twilio.write_to_us(&phone, " stop. ");
    ground.until_true("it is heeded", "SELECT EXISTS (SELECT 1 FROM suppressions WHERE reason = 'opted_out')").await;
    let refusals = "SELECT count(*) FROM consents WHERE NOT granted AND own_choice AND source = 'reply'";
    assert_eq!(ground.number(refusals).await, 2, "for both purposes");
    let refused = ask().await;
    assert_eq!(ground.until_status(&refused, "suppressed").await["errorCode"], "opted_out");
    twilio.write_to_us(&phone, "START");
    ground.until_true("it is lifted", "SELECT NOT EXISTS (SELECT 1 FROM suppressions)").await;
    let again = ask().await;
    ground.until_status(&again, "delivered").await;
    assert_eq!(twilio.accepted_count(), 2);
    workers.stop().await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_given_up_after_one_bounce() {
    let webhooks = WebhookBehaviour { delivered: 1.0, ..WebhookBehaviour::default() };
    let behaviour = Behaviour { undeliverable: 1.0, webhooks, ..Behaviour::default() };
    let sendgrid = SendgridServer::start(behaviour).await.unwrap();
    let ground = Ground::new(&sendgrid.environment()).await;
    sendgrid.tell(&ground.address);
    let workers = ground.workers();
    let ask = async || {
        let body = json!({"to": "nobody@example.com", "subject": "Renew", "text": "Dear all"});
        ground.post("/api/communication/email/send", body).await["messageId"].as_str().unwrap().to_owned()
    };
    let first = ask().await;
    let told = ground.until_status(&first, "failed").await;
    assert!(told["bounce"].is_string() && told["bouncedAt"].is_string(), "{told}");
    let kinds = ground.texts("SELECT kind::TEXT FROM bounces").await;
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    if kinds == ["hard"] {
        let second = ask().await;
        assert_eq!(ground.until_status(&second, "suppressed").await["errorCode"], "suppressed");
        assert_eq!(sendgrid.accepted_count(), 1);
    } else {
        assert_eq!(ground.number("SELECT count(*) FROM suppressions").await, 0, "{kinds:?}");
    }
    workers.stop().await;
}
