//! Single messages: asked for over HTTP, sent by a job, told of over HTTP.

use crate::ground::{Ground, open_book};
use chrono::TimeDelta;
use serde_json::json;
use tests::vendors::{Behaviour, SendgridServer, TwilioServer};

#[tokio::test]
async fn a_text_message_goes_out_and_its_fate_is_told() {
    let twilio = TwilioServer::start(Behaviour::default()).await.unwrap();
    let ground = Ground::over(&twilio).await;
    let workers = ground.workers();
    let asked = ground
        .post("/api/communication/sms/send", json!({"to": "+919876543210", "message": "Dear John, renew now: ₹500"}))
        .await;
    let id = asked["messageId"].as_str().unwrap();
    assert!(id.starts_with("sms-msg-") && asked["status"] == "pending" && asked["jobId"].is_string(), "{asked}");
    assert_eq!((&asked["segments"], &asked["cost"]), (&json!(1), &json!("0.0075")), "{asked}");
    let told = ground.until_status(id, "delivered").await;
    assert!(told["deliveredAt"].is_string() && told["sentAt"].is_string(), "{told}");
    assert_eq!(told["address"].as_str().map(|address| address.contains("9876543210")), Some(false));
    assert_eq!((twilio.accepted_count(), twilio.violations()), (1, Vec::new()));
    // the other document's path
    assert_eq!(ground.get(&format!("/api/communications/delivery-status/{id}/")).await["status"], "delivered");
    workers.stop().await;
}

#[tokio::test]
async fn an_email_fills_in_a_template_for_a_customer_and_carries_a_way_out() {
    let sendgrid = SendgridServer::start(open_book()).await.unwrap();
    let ground = Ground::over(&sendgrid).await;
    ground.customers(1).await;
    let workers = ground.workers();
    let template = json!({
        "name": "Renewal", "type": "email", "subject": "Policy {policy_number}",
        "content": "Dear {first_name},\n\npolicy {policy_number} ends on {expiry_date}.",
    });
    ground.post("/api/templates", template).await;
    let (customer, case) =
        (ground.number("SELECT id FROM customers").await, ground.number("SELECT id FROM renewal_cases").await);
    let body = json!({
        "customerId": format!("customer-{customer}"), "caseId": format!("case-{case}"), "templateId": "Renewal",
    });
    let asked = ground.post("/api/communication/email/send", body).await;
    let id = asked["messageId"].as_str().unwrap();
    let told = ground.until_status(id, "read").await;
    assert!(told["readAt"].is_string() && told["customerId"] == format!("customer-{customer}"), "{told}");
    assert_eq!(sendgrid.violations(), Vec::<String>::new());
    let history = ground.get(&format!("/api/communication/history?customerId=customer-{customer}")).await;
    assert_eq!(history["entries"][0]["messageId"], id);
    let of_case = ground.get(&format!("/api/communication/history?caseId=case-{case}")).await;
    assert_eq!(of_case["entries"].as_array().map(Vec::len), Some(1));
    workers.stop().await;
}

#[tokio::test]
async fn what_is_not_right_is_named() {
    let ground = Ground::new(&[]).await;
    ground.customers(1).await;
    for (path, body, field) in [
        ("sms", json!({"message": "x"}), "to"),
        ("sms", json!({"to": "12", "message": "x"}), "to"),
        ("sms", json!({"to": "+919876543210"}), "templateId"),
        ("sms", json!({"to": "+919876543210", "templateId": "none"}), "templateId"),
        ("sms", json!({"customerId": "customer-999", "message": "x"}), "customerId"),
        ("email", json!({"to": "nobody", "subject": "x", "text": "y"}), "to"),
        ("email", json!({"to": "a@example.com", "text": "y"}), "subject"),
        ("email", json!({"to": "a@example.com", "subject": "x\nBcc: b@example.com", "text": "y"}), "subject"),
        ("whatsapp", json!({"to": "+919876543210", "content": {"type": "text", "body": ""}}), "content.body"),
        ("whatsapp", json!({"to": "+919876543210", "content": {"type": "fax"}}), "content"),
        ("sms", json!({"to": "+919876543210", "message": "x", "scheduledAt": "2020-01-01T00:00:00Z"}), "scheduledAt"),
    ] {
        let answer =
            ground.api.post(&format!("/api/communication/{path}/send")).by(&ground.user).json(&body).send().await;
        let error = answer.error(400, "validation_failed");
        assert_eq!(error["details"]["fields"][0]["field"], field, "{body}: {error}");
    }
    assert_eq!(ground.number("SELECT count(*) FROM messages").await, 0);
    assert_eq!(ground.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn a_scheduled_message_waits_for_its_time() {
    let ground = Ground::new(&[]).await;
    let workers = ground.workers();
    let at = ground.api.state.services.clock.now() + TimeDelta::hours(3);
    let body = json!({"to": "+919876543210", "message": "Later", "scheduledAt": at});
    let asked = ground.post("/api/communication/sms/send", body).await;
    let id = asked["messageId"].as_str().unwrap();
    let told = ground.get(&format!("/api/communication/delivery-status/{id}")).await;
    assert!(told["status"] == "pending" && told["dueAt"].is_string(), "{told}");
    ground.api.state.services.clock.advance(TimeDelta::hours(4));
    ground.until_true("it goes out", "SELECT count(*) = 1 FROM messages WHERE attempts = 1").await;
    workers.stop().await;
}

#[tokio::test]
async fn restraint_leaves_out_or_puts_off_and_explains() {
    let ground = Ground::new(&[]).await;
    ground.customers(1).await;
    let customer = ground.number("SELECT id FROM customers").await;
    let workers = ground.workers();
    let refused = format!(
        "INSERT INTO suppressions (channel, address, reason, scope, source, created_at) \
         SELECT 'sms', phone, 'opted_out', 'all', 'reply', now() FROM customers WHERE id = {customer}"
    );
    ground.client.batch_execute(&refused).await.unwrap();
    let ask = async |channel: &str, purpose: &str| {
        let body = json!({
            "customerId": format!("customer-{customer}"), "message": "x", "subject": "x", "text": "x",
            "purpose": purpose,
        });
        let keep: &[&str] = if channel == "sms" {
            &["customerId", "message", "purpose"]
        } else {
            &["customerId", "subject", "text", "purpose"]
        };
        let body: serde_json::Map<_, _> =
            body.as_object().unwrap().clone().into_iter().filter(|(name, _)| keep.contains(&name.as_str())).collect();
        let asked = ground.post(&format!("/api/communication/{channel}/send"), body.into()).await;
        asked["messageId"].as_str().unwrap().to_owned()
    };
    let stopped = ask("sms", "service").await;
    let told = ground.until_status(&stopped, "suppressed").await;
    assert_eq!(told["errorCode"], "opted_out");
    let unasked = ask("email", "marketing").await;
    assert_eq!(ground.until_status(&unasked, "suppressed").await["errorCode"], "no_consent");
    let why = ground.get(&format!("/api/communication/explain?messageId={stopped}")).await;
    let check = &why["checks"][0];
    assert_eq!((&check["verdict"], &check["reason"]), (&json!("exclude"), &json!("opted_out")), "{why}");
    assert_eq!((&why["decision"], &check["facts"]["suppressions"]), (&json!("single"), &json!(["opted_out"])));
    assert_eq!(why["attempts"], json!([]), "no attempt is spent");
    // quiet at any hour but one: whatever the time is, it is put off
    let hour = ground.number("SELECT extract(hour FROM now() AT TIME ZONE 'Asia/Kolkata')::BIGINT").await;
    let (start, end) = (format!("{hour:02}:00"), format!("{:02}:00", (hour + 3) % 24));
    let rules = json!({"quietHours": {"start": start, "end": end}});
    let put = ground.api.put("/api/communication/rules").by(&ground.user).json(&rules).send().await;
    assert_eq!(put.status.as_u16(), 200, "{put:?}");
    let later = ask("email", "service").await;
    ground.until_true("it waits", "SELECT EXISTS (SELECT 1 FROM messages WHERE held_for = 'quiet_hours')").await;
    let told = ground.get(&format!("/api/communication/delivery-status/{later}")).await;
    assert_eq!(
        (&told["status"], &told["heldFor"], &told["attempts"]),
        (&json!("pending"), &json!("quiet_hours"), &json!(0))
    );
    ground.api.state.services.clock.advance(TimeDelta::hours(4));
    ground.until_true("it goes out", "SELECT EXISTS (SELECT 1 FROM messages WHERE attempts = 1)").await;
    workers.stop().await;
}

#[tokio::test]
async fn a_chat_goes_only_to_those_who_wrote_of_late() {
    let ground = Ground::new(&[]).await;
    let workers = ground.workers();
    let chat = json!({"to": "+919876543210", "content": {"type": "text", "body": "Hello"}});
    let asked = ground.post("/api/communication/whatsapp/send", chat.clone()).await;
    let told = ground.until_status(asked["messageId"].as_str().unwrap(), "suppressed").await;
    assert_eq!(told["errorCode"], "window_closed");
    let heard = "WITH event AS (INSERT INTO provider_events (provider, provider_event_id, kind, occurred_at, payload, \
                    applied_at, outcome) VALUES ('sandbox', 'in', 'inbound', now(), '{}', now(), 'applied') RETURNING id) \
                 INSERT INTO inbound_messages (event_id, channel, address, received_at) \
                 SELECT id, 'whatsapp', '+919876543210', now() - interval '1 hour' FROM event";
    ground.client.batch_execute(heard).await.unwrap();
    let asked = ground.post("/api/communication/whatsapp/send", chat).await;
    let id = asked["messageId"].as_str().unwrap().trim_start_matches("wa-msg-").to_owned();
    let out = format!("SELECT status IN ('sent', 'delivered', 'read', 'failed') FROM messages WHERE id = {id}");
    ground.until_true("it goes out", &out).await;
    workers.stop().await;
}

#[tokio::test]
async fn a_page_in_the_recipients_language_is_inlined_watched_and_can_be_left() {
    let sendgrid = SendgridServer::start(open_book()).await.unwrap();
    let ground = Ground::over(&sendgrid).await;
    ground.customers(2).await;
    let hindi = "UPDATE customers SET language = 'hi-IN' WHERE id = (SELECT min(id) FROM customers); \
                 INSERT INTO consents (customer_id, channel, purpose, granted, own_choice, source, given_at) \
                 SELECT id, 'email', 'marketing', TRUE, TRUE, 'preferences', now() FROM customers";
    ground.client.batch_execute(hindi).await.unwrap();
    let workers = ground.workers();
    let page = |words: &str| {
        format!(
            "<html><head><style>p {{ color: red; }}</style></head><body><p>{words} {{first_name}}</p>\
             <a href=\"https://insurer.example/renew?p={{policy_number}}\">Go</a></body></html>"
        )
    };
    let template = json!({
        "name": "Offer", "type": "email", "subject": "Offer", "content": page("Dear"), "format": "html",
        "purpose": "marketing", "topic": "offers", "tracked": true,
        "translations": [{"language": "hi", "subject": "प्रस्ताव", "content": page("प्रिय")}],
    });
    let upload = ground.number("SELECT id FROM file_uploads").await;
    ground.campaign("email", upload, template).await;
    ground.until_true("both are out", "SELECT count(*) = 2 FROM messages WHERE sent_at IS NOT NULL").await;
    let of = "SELECT v.language::TEXT FROM messages m JOIN template_versions v ON v.id = m.template_version_id ORDER BY m.customer_id";
    assert_eq!(ground.texts(of).await, ["hi", "en"]);
    assert_eq!(ground.texts("SELECT DISTINCT purpose || ':' || topic FROM messages").await, ["marketing:offers"]);
    let id = ground.number("SELECT min(id) FROM messages").await;
    let view = ground.api.state.links.view(domain::ids::MessageId(id)).unwrap();
    let shown = ground.api.get(view.strip_prefix(crate::ground::PUBLIC).unwrap()).send().await;
    let html = String::from_utf8(shown.body.to_vec()).unwrap();
    assert!(html.contains("color: red") && html.contains("प्रिय First1") && html.contains("Unsubscribe"), "{html}");
    assert_eq!(sendgrid.violations(), Vec::<String>::new());
    let preview = ground.post("/api/templates/template-1/preview", json!({"language": "hi"})).await;
    assert_eq!(
        (&preview["language"], &preview["version"], &preview["subject"]),
        (&json!("hi"), &json!(1), &json!("प्रस्ताव"))
    );
    workers.stop().await;
}
