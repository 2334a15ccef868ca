//! A campaign's own texts sent to oneself.

use crate::{book::Entry, ground::Ground};
use serde_json::json;

#[tokio::test]
async fn a_test_says_what_the_campaign_says() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let written = json!({"name": "Mail", "type": "email", "content": "Dear {name}", "subject": "Renew"});
    let template = ground.post("/api/templates", &written).await.data(201)["templateId"].as_str().unwrap().to_owned();
    let request = json!({
        "type": ["email"], "templates": {"email": template}, "asDraft": true, "test": {"metric": "opened"},
        "variants": [{"label": "A", "subject": "Only today"}, {"label": "B", "subject": "A reminder"}],
    });
    let id = ground.create(&request).await;
    // what is written about the template later is another version
    let newer = json!({"name": "Mail", "type": "email", "content": "Hello {name}", "subject": "Renew"});
    ground.put(&format!("/api/templates/{template}"), &newer).await.data(200);
    let to = json!({"to": "me@example.com"});
    let asked = ground.post(&format!("/api/campaigns/{id}/test-send"), &to).await.data(202);
    assert_eq!(asked["messages"].as_array().unwrap().len(), 2);
    let said = "SELECT (m.content ->> 'subject') || '/' || v.version FROM messages m \
                JOIN template_versions v ON v.id = m.template_version_id ORDER BY m.id";
    assert_eq!(crate::book::texts(&ground.client, said).await, ["Only today/1", "A reminder/1"]);
}
