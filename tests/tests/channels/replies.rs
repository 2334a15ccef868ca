//! What comes back: answers tied to what they answer, STOP and START, bounces that add up.

use crate::{
    ground::{Ground, Peer, open_book},
    numbers::tell,
};
use providers::whatsapp_webhook::sign;
use secrecy::SecretString;
use serde_json::json;
use tests::{
    meta::MetaServer,
    vendors::{Behaviour, SendgridServer, TwilioServer, WebhookBehaviour},
};

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

#[tokio::test]
async fn an_answer_leads_on_in_a_flow_once_however_often_it_is_told() {
    let meta = MetaServer::start(open_book()).await.unwrap();
    let ground = Ground::over(&meta).await;
    ground.customers(1).await;
    let workers = ground.workers();
    let user = ground.user.id;
    let button = |id: &str, title: &str| json!({"id": id, "title": title});
    let definition = json!({
        "start": "ask",
        "steps": {
            "ask": {
                "content": {"type": "interactive", "kind": "buttons", "body": "Renew?",
                            "buttons": [button("yes", "Yes"), button("no", "No")]},
                "answers": {
                    "yes": [{"do": "step", "step": "thanks"}, {"do": "assign", "user": user},
                            {"do": "case_status", "status": "in_progress"}],
                    "no": [],
                },
            },
            "thanks": {"content": {"type": "text", "body": "Thank you, we will call you."}},
        },
    });
    let flow =
        ground.post("/api/whatsapp/flows", json!({"name": "Renew", "kind": "reply", "definition": definition})).await;
    let flow_id = flow["flowId"].as_str().or(flow["id"].as_str()).unwrap().to_owned();
    ground.post(&format!("/api/whatsapp/flows/{flow_id}/publish"), json!({})).await;
    let phone = ground.texts("SELECT phone::TEXT FROM customers").await.remove(0);
    meta.write_to_us(phone.trim_start_matches('+'), "Hello", None);
    ground.until_true("the window is open", "SELECT EXISTS (SELECT 1 FROM inbound_messages)").await;
    let (customer, case) =
        (ground.number("SELECT id FROM customers").await, ground.number("SELECT id FROM renewal_cases").await);
    let body = json!({
        "customerId": format!("customer-{customer}"), "caseId": format!("case-{case}"), "flowId": flow_id,
    });
    let asked = ground.post("/api/communication/whatsapp/send", body).await;
    let asked = asked["messageId"].as_str().unwrap().to_owned();
    ground.until_status(&asked, "read").await;
    // chosen: told twice, as providers do
    let wamid = ground.texts("SELECT provider_message_id::TEXT FROM messages").await.remove(0);
    let digits = phone.trim_start_matches('+').to_owned();
    let delivery = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{
        "field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "1"},
            "contacts": [{"wa_id": digits, "profile": {"name": "A"}}],
            "messages": [{"from": digits, "id": "wamid.ANSWER", "timestamp": "1700000000", "type": "interactive",
                "context": {"id": wamid},
                "interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}}],
        },
    }]}]});
    let secret = meta.environment().into_iter().find(|(name, _)| *name == "WHATSAPP_APP_SECRET").unwrap().1;
    let secret = SecretString::from(secret.split(',').next().unwrap().trim());
    let bytes = delivery.to_string();
    let signature = sign(&secret, bytes.as_bytes()).unwrap();
    for _ in 0..2 {
        let call = ground.api.post("/api/webhooks/whatsapp").header("x-hub-signature-256", &signature);
        assert_eq!(call.body("application/json", bytes.clone()).send().await.status.as_u16(), 200);
    }
    let done = format!(
        "SELECT EXISTS (SELECT 1 FROM renewal_cases WHERE assigned_to = {} AND status = 'in_progress') \
         AND (SELECT count(*) FROM messages WHERE flow_step = 'thanks' AND sent_at IS NOT NULL) = 1",
        user.0
    );
    ground.until_true("it led on", &done).await;
    assert_eq!(ground.number("SELECT count(*) FROM messages").await, 2);
    assert_eq!(meta.violations(), Vec::<String>::new());
    workers.stop().await;
}

#[tokio::test]
async fn a_templates_buttons_lead_into_a_flow_as_if_it_were_the_first_message() {
    let meta = MetaServer::start(open_book()).await.unwrap();
    let ground = Ground::over(&meta).await;
    let upload = ground.customers(2).await;
    let workers = ground.workers();
    let definition = json!({"start": "ask", "steps": {
        "ask": {
            "content": {"type": "interactive", "kind": "buttons", "body": "Renew?",
                        "buttons": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]},
            "answers": {"yes": [{"do": "step", "step": "thanks"}, {"do": "case_status", "status": "in_progress"}],
                        "no": []},
        },
        "thanks": {"content": {"type": "text", "body": "Thank you."}},
    }});
    let flow =
        ground.post("/api/whatsapp/flows", json!({"name": "Renew", "kind": "reply", "definition": definition})).await;
    let flow_id = flow["flowId"].as_str().or(flow["id"].as_str()).unwrap().to_owned();
    // the vendor's own description takes no button 0
    let button = |payload: &str| json!({"index": 1, "type": "quick_reply", "payload": payload});
    let template = |payload: &str| {
        json!({"name": "Reminder", "type": "whatsapp", "content": "Dear {first_name}",
               "extras": {"buttons": [button(payload)], "replyFlowId": flow_id}})
    };
    let refused = async |payload: &str| {
        let answer = ground.api.post("/api/templates").by(&ground.user).json(&template(payload)).send().await;
        answer.error(400, "validation_failed")["details"]["fields"][0]["field"].clone()
    };
    assert_eq!(refused("yes").await, "extras.replyFlowId", "it is not published");
    ground.post(&format!("/api/whatsapp/flows/{flow_id}/publish"), json!({})).await;
    ground.until_true("it is published", "SELECT status = 'published' FROM whatsapp_flows").await;
    assert_eq!(refused("maybe").await, "extras.buttons", "the flow does not know it");
    ground.campaign("whatsapp", upload, template("yes")).await;
    ground.until_true("all are out", "SELECT count(*) = 2 FROM messages WHERE sent_at IS NOT NULL").await;
    let first = "SELECT provider_message_id::TEXT FROM messages ORDER BY id LIMIT 1";
    let wamid = ground.texts(first).await.remove(0);
    let phone = ground.texts("SELECT address::TEXT FROM messages ORDER BY id LIMIT 1").await.remove(0);
    let digits = phone.trim_start_matches('+');
    let answer = json!({
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "1"},
        "contacts": [{"wa_id": digits, "profile": {"name": "A"}}],
        "messages": [{"from": digits, "id": "wamid.PRESSED", "timestamp": "1700000000", "type": "button",
            "context": {"id": wamid}, "button": {"payload": "yes", "text": "Yes"}}],
    });
    for _ in 0..2 {
        tell(&ground, &meta, "messages", answer.clone()).await;
    }
    let done = "SELECT (SELECT count(*) FROM renewal_cases WHERE status = 'in_progress') = 1 \
                AND (SELECT count(*) FROM messages WHERE flow_step = 'thanks') = 1";
    ground.until_true("it led on", done).await;
    assert_eq!(ground.number("SELECT count(*) FROM messages").await, 3);
    workers.stop().await;
}
