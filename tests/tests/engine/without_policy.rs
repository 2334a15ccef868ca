//! People who are named and have no policy: they get what needs none, and whoever is left out is told.

use crate::{
    book::{self, Entry},
    ground::{Ground, number},
};
use serde_json::{Value, json};

/// Two customers, the second without a policy; what names both.
async fn ground() -> (Ground, Value) {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let add = "INSERT INTO customers (customer_code, first_name, last_name, phone) \
               VALUES ('N1', 'Nina', 'None', '+919899999999') RETURNING id";
    let without: i64 = ground.client.query_one(add, &[]).await.unwrap().get(0);
    let first = book::number(&ground.client, "SELECT id FROM customers WHERE customer_code = 'C1'").await;
    let named = json!({"recipients": [format!("customer-{first}"), format!("customer-{without}")]});
    (ground, named)
}

/// Who got a message, and who was left out, with why.
async fn outcome(ground: &Ground, id: &str) -> (Vec<String>, Vec<String>) {
    let campaign = number(id);
    let got = format!(
        "SELECT c.customer_code::TEXT FROM messages m JOIN customers c ON c.id = m.customer_id \
         WHERE m.campaign_id = {campaign} ORDER BY 1"
    );
    let left = format!(
        "SELECT c.customer_code || ' ' || e.reason FROM campaign_exclusions e JOIN customers c ON c.id = e.customer_id \
         WHERE e.campaign_id = {campaign} ORDER BY 1"
    );
    (book::texts(&ground.client, &got).await, book::texts(&ground.client, &left).await)
}

#[tokio::test]
async fn whoever_is_named_gets_what_needs_no_policy() {
    let (ground, named) = ground().await;
    let workers = ground.workers();
    let id = ground.create(&json!({"uploadId": null, "targetAudience": named})).await;
    ground.until_status(&id, "completed").await;
    assert_eq!(outcome(&ground, &id).await, (vec!["C1".to_owned(), "N1".to_owned()], Vec::new()));
    let foretold = ground.get(&format!("/api/campaigns/{id}/forecast")).await;
    assert_eq!(foretold["recipients"], json!(2));
    // a list of people, too
    let list = ground.post("/api/segments", &json!({"name": "List"})).await.data(201);
    let list = list["id"].as_str().or(list["segmentId"].as_str()).unwrap().to_owned();
    let members = json!({"customerCodes": ["N1"]});
    ground.post(&format!("/api/segments/{list}/members"), &members).await.data(200);
    let to_list = json!({"uploadId": null, "targetAudience": {"segments": {"union": [list]}}});
    let id = ground.create(&to_list).await;
    ground.until_status(&id, "completed").await;
    assert_eq!(outcome(&ground, &id).await, (vec!["N1".to_owned()], Vec::new()));
    workers.stop().await;
}

#[tokio::test]
async fn who_is_left_out_for_want_of_a_policy_is_told() {
    let (ground, named) = ground().await;
    let workers = ground.workers();
    let each = ground.create(&json!({"uploadId": null, "targetAudience": named, "grouping": "policy"})).await;
    ground.until_status(&each, "completed").await;
    assert_eq!(outcome(&ground, &each).await, (vec!["C1".to_owned()], vec!["N1 no_policy".to_owned()]));
    let template = book::template(&ground.client, "Dear {name}, {policy_number} ends").await;
    let templates = json!({"whatsapp": format!("template-{template}")});
    let about = ground.create(&json!({"uploadId": null, "targetAudience": named, "templates": templates})).await;
    ground.until_status(&about, "completed").await;
    assert_eq!(outcome(&ground, &about).await, (vec!["C1".to_owned()], vec!["N1 missing_variable".to_owned()]));
    workers.stop().await;
}
