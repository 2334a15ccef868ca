//! Several policies of one customer in one message: all of them are told of, and none that is renewed by then.

use crate::{
    book::{self, Entry},
    ground::Ground,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::meta::{Behaviour, MetaServer};

/// Of one customer: the health policy ends first.
fn entries() -> [Entry; 3] {
    let another = |number, days, kind| Entry { of: Some(1), days, kind, ..Entry::new(number) };
    [Entry::new(1), another(2, 20, "Health"), another(3, 40, "Home")]
}

async fn ground(meta: &MetaServer) -> Ground {
    let environment = meta.environment();
    let variables: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ground::with(&entries(), &variables).await
}

/// A template of that channel; its id.
async fn template(ground: &Ground, channel: &str, content: &str) -> String {
    let body = json!({"name": "All of them", "type": channel, "content": content, "subject": (channel == "email").then_some("Renew {policies}")});
    let written = ground.post("/api/templates", &body).await.data(201);
    assert_eq!(written["unknownVariables"], json!([]));
    written["templateId"].as_str().unwrap().to_owned()
}

/// The parameters of the template that was sent last.
fn sent(meta: &MetaServer) -> Vec<String> {
    let bodies = meta.bodies();
    let body: Value = serde_json::from_str(bodies.last().unwrap()).unwrap();
    let parts = body["template"]["components"].as_array().unwrap();
    let part = parts.iter().find(|part| part["type"] == "body").unwrap();
    let texts = part["parameters"].as_array().unwrap().iter();
    texts.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

/// What a policy reads like.
async fn lines(ground: &Ground) -> Vec<String> {
    let query = "SELECT policy_number || ', ' || policy_type || ', ₹10,000.00, ' || to_char(end_date, 'FMDD Mon YYYY') \
                 FROM policies ORDER BY end_date";
    book::texts(&ground.client, query).await
}

#[tokio::test]
async fn one_message_tells_of_all() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let ground = ground(&meta).await;
    let workers = ground.workers();
    let content = "Dear {name}, {policy_count} policies: {policies}. First {policy_number}";
    let text = template(&ground, "whatsapp", content).await;
    let id = ground.create(&json!({"grouping": "together", "templates": {"whatsapp": text}})).await;
    ground.until_status(&id, "completed").await;
    let all = lines(&ground).await.join("; ");
    assert_eq!(sent(&meta), ["First1 Last1".to_owned(), "3".to_owned(), all, "P2".to_owned()]);
    assert_eq!((meta.accepted_count(), meta.violations()), (1, Vec::new()));
    workers.stop().await;
}

#[tokio::test]
async fn what_is_renewed_before_it_goes_out_is_not_told_of() {
    let meta = MetaServer::start(Behaviour::default()).await.unwrap();
    let ground = ground(&meta).await;
    let services = &ground.api.state.services;
    let workers = ground.workers();
    let text = template(&ground, "whatsapp", "{policy_count}: {policies}. First {policy_number}").await;
    // a window that opens in three hours at the earliest
    let zone: chrono_tz::Tz = "Asia/Kolkata".parse().unwrap();
    let hour =
        |hours| (services.clock.now() + TimeDelta::hours(hours)).with_timezone(&zone).format("%H:00").to_string();
    let window =
        json!([{"days": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], "from": hour(4), "until": hour(8)}]);
    let other = json!({"grouping": "together", "templates": {"whatsapp": text}, "sendWindows": window});
    let id = ground.create(&other).await;
    let waits = "SELECT count(*) FROM messages WHERE status = 'pending' AND held_for = 'send_window'";
    ground.until_number("it waits for its window", waits, 1).await;
    let paid = "UPDATE renewal_cases SET payment_status = 'paid' \
                WHERE policy_id = (SELECT id FROM policies WHERE policy_number = 'P2')";
    ground.client.execute(paid, &[]).await.unwrap();
    services.clock.advance(TimeDelta::hours(5));
    ground.until_status(&id, "completed").await;
    let rest = lines(&ground).await[1..].join("; ");
    assert_eq!(sent(&meta), ["2".to_owned(), rest, "P1".to_owned()]);
    workers.stop().await;
}

#[tokio::test]
async fn it_is_a_list_in_a_page_lines_in_a_text_and_short_where_it_is_one_line() {
    let ground = Ground::new(&entries()).await;
    ground.client.execute("UPDATE policies SET policy_type = '<b>' WHERE policy_number = 'P3'", &[]).await.unwrap();
    let lines = lines(&ground).await;
    let customer = book::number(&ground.client, "SELECT id FROM customers").await;
    let customer = json!({"customerId": format!("customer-{customer}")});
    let preview = async |channel: &str, content: &str, format: &str, sample: &Value| {
        let body = json!({"name": "All", "type": channel, "content": content, "format": format,
                          "subject": (channel == "email").then_some("Renew {policies}")});
        let body = if channel == "email" { body } else { json!({"name": "All", "type": channel, "content": content}) };
        let written = ground.post("/api/templates", &body).await.data(201);
        let path = format!("/api/templates/{}/preview", written["templateId"].as_str().unwrap());
        ground.post(&path, sample).await.data(200)
    };
    let text = preview("email", "{policies}", "text", &customer).await;
    assert_eq!(text["content"], json!(lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")));
    assert_eq!(text["subject"], json!(format!("Renew {}", lines.join("; "))));
    let page = preview("email", "<p>{policy_count}</p>{policies}", "html", &customer).await;
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", line.replace("<b>", "&lt;b&gt;"))).collect();
    assert_eq!(page["content"], json!(format!("<p>3</p><ul>{items}</ul>")));
    let short = preview("sms", "{policies}", "text", &customer).await;
    assert_eq!(short["content"], json!(lines.join("; ")));
    let sample = preview("sms", "{policy_count}: {policies}", "text", &json!({})).await;
    assert!(sample["content"].as_str().unwrap().starts_with("2: POL-000001, Motor"), "{sample}");
}

#[tokio::test]
async fn a_test_counts_what_any_of_them_brought() {
    let ground = Ground::new(&entries()).await;
    let workers = ground.workers();
    let other = book::template(&ground.client, "Hello {name}, it is time").await;
    let variants = json!([{"label": "A"}, {"label": "B", "templateId": format!("template-{other}")}]);
    let test = json!({"metric": "paid", "sharePercent": 100, "hours": 48});
    let id = ground.create(&json!({"grouping": "together", "variants": variants, "test": test})).await;
    ground.until_number("it is written", "SELECT count(*) FROM messages WHERE cardinality(policies) = 3", 1).await;
    ground.until_idle().await;
    let paid = "UPDATE messages SET status = 'sent', sent_at = now() - interval '1 hour'; \
                UPDATE renewal_cases SET payment_status = 'paid', payment_date = now() \
                WHERE policy_id = (SELECT id FROM policies WHERE policy_number = 'P3')";
    ground.client.batch_execute(paid).await.unwrap();
    let shown = ground.get(&format!("/api/campaigns/{id}/variants")).await;
    let arms = shown["variants"].as_array().unwrap();
    let told = arms.iter().find(|arm| arm["sent"] == json!(1)).unwrap();
    assert_eq!((&told["converted"], &told["rate"]), (&json!(1), &json!("100.0")), "{shown}");
    workers.stop().await;
}
