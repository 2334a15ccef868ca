//! Templates: written, read, changed, retired, tried out.

use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::TestApi;

fn reminder() -> Value {
    json!({
        "name": "Renewal Reminder - 30 Days",
        "type": "email",
        "subject": "Your policy {policy_number} is due",
        "content": "Dear {name}, your policy expires on {{ expiry_date }}.",
        "variables": ["name", "policy_number", "expiry_date"]
    })
}

#[tokio::test]
async fn a_template_lives_from_writing_to_retirement() {
    let api = TestApi::new().await;
    let manager = api.user(SystemRole::CampaignManager).await;
    let created = api.post("/api/templates/").by(&manager).json(&reminder()).send().await.data(201);
    assert_eq!(created["message"], "Template created successfully");
    let id = created["templateId"].as_str().unwrap();
    let path = format!("/api/templates/{id}");

    let read = api.get(&path).by(&manager).send().await.data(200);
    assert_eq!((&read["id"], &read["type"], &read["isActive"]), (&json!(id), &json!("email"), &json!(true)));
    assert_eq!(read["variables"], json!(["name", "policy_number", "expiry_date"]));
    assert_eq!(read["createdBy"], json!(manager.id));

    let mut changed = reminder();
    changed["content"] = json!("Hello {name}, {motto}");
    changed["variables"] = Value::Null;
    let written = api.put(&path).by(&manager).json(&changed).send().await.data(200);
    assert_eq!(written["unknownVariables"], json!(["motto"]));

    let sample = json!({"variables": {"name": "Asha", "motto": "Drive safely"}});
    let preview = api.post(&format!("{path}/preview")).by(&manager).json(&sample).send().await.data(200);
    assert_eq!(preview["content"], "Hello Asha, Drive safely");
    let sample = json!({"variables": {"name": "Asha"}});
    let missing = api.post(&format!("{path}/preview")).by(&manager).json(&sample).send().await;
    assert_eq!(missing.error(400, "validation_failed")["details"]["fields"][0]["field"], "variables.motto");

    api.delete(&path).by(&manager).send().await.data(200);
    assert_eq!(api.get(&path).by(&manager).send().await.data(200)["isActive"], false);
    for method in ["get", "put", "delete"] {
        let call = api.call(method.to_uppercase().parse().unwrap(), "/api/templates/template-999").by(&manager);
        call.json(&reminder()).send().await.error(404, "not_found");
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let api = TestApi::new().await;
    let manager = api.user(SystemRole::CampaignManager).await;
    for number in 1..=5 {
        let sms = json!({"name": format!("sms {number}"), "type": "sms", "content": "Hi {name}"});
        api.post("/api/templates").by(&manager).json(&sms).send().await.data(201);
    }
    api.post("/api/templates").by(&manager).json(&reminder()).send().await.data(201);
    api.delete("/api/templates/template-1").by(&manager).send().await.data(200);
    let list = async |query: &str| api.get(&format!("/api/templates?{query}")).by(&manager).send().await.data(200);

    let sms = list("type=sms&active=true&limit=3").await;
    assert_eq!(sms["templates"].as_array().unwrap().len(), 3);
    assert_eq!(sms["templates"][0]["name"], "sms 5");
    let expected = json!({"page": 1, "limit": 3, "total": 4, "totalPages": 2, "atLeast": false});
    assert_eq!(sms["pagination"], expected);
    assert_eq!(list("type=sms&active=true&limit=3&page=2").await["templates"].as_array().unwrap().len(), 1);
    assert_eq!(list("type=email,sms").await["pagination"]["total"], 6);
    assert_eq!(list("").await["pagination"]["total"], 6);
    for (sort, first) in [("name", "Renewal Reminder - 30 Days"), ("-name", "sms 5"), ("createdAt", "sms 1")] {
        assert_eq!(list(&format!("sort={sort}")).await["templates"][0]["name"], first, "{sort}");
    }
    assert_eq!(list("sort=-updatedAt").await["templates"][0]["name"], "sms 1", "retired last");
    for (query, field) in [
        ("type=fax", "type"),
        ("page=0", "page"),
        ("limit=1000", "limit"),
        ("active=maybe", "active"),
        ("sort=color", "sort"),
    ] {
        let refused = api.get(&format!("/api/templates?{query}")).by(&manager).send().await;
        assert_eq!(refused.error(400, "validation_failed")["details"]["fields"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn every_fault_of_a_template_is_told_at_once() {
    let api = TestApi::new().await;
    let manager = api.user(SystemRole::CampaignManager).await;
    let faulty = json!({"name": " ", "type": "sms", "subject": "no", "content": "{% if name %}", "language": "x"});
    let refused = api.post("/api/templates").by(&manager).json(&faulty).send().await.error(400, "validation_failed");
    let faults = refused["details"]["fields"].as_array().unwrap();
    let fields: Vec<_> = faults.iter().map(|fault| fault["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "content", "subject", "language"], "{faults:?}");
    let refused = api.post("/api/templates").by(&manager).json(&json!({"name": "x", "type": "fax"})).send().await;
    let faults = refused.error(400, "validation_failed")["details"]["fields"].clone();
    assert_eq!(faults[0], json!({"field": "type", "message": "expected one of email, whatsapp, sms"}));
    assert_eq!(faults[1]["field"], "content");
}

#[tokio::test]
async fn looking_is_not_changing() {
    let api = TestApi::new().await;
    let reader = api.user(SystemRole::ReadOnly).await;
    api.get("/api/templates").by(&reader).send().await.data(200);
    let denied = api.post("/api/templates").by(&reader).json(&reminder()).send().await;
    assert_eq!(denied.error(403, "permission_denied")["details"]["permission"], "templates.manage");
}
