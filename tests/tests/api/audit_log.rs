//! The audit log over HTTP: listed, filtered, paged and exported; and what happened to accounts.

use calamine::{Reader, Xlsx};
use domain::{permissions::SystemRole, sign_in::SecurityEventKind};
use jobs::kinds::registry;
use schema::people::security_events::{self, NewEvent};
use serde_json::{Value, json};
use std::io::Cursor;
use tests::{
    crew::{Feeder, Workers},
    diesel_schema::connect,
    http::{TestApi, TestUser},
};
use workers::WorkerConfig;

async fn save(api: &TestApi, by: &TestUser, name: &str) {
    let mapping = json!({"name": name, "mapping": {"Policy": "policyNumber"}});
    let call = api.post("/api/upload/mappings").by(by).header("x-request-id", "req-1").header("user-agent", "a test");
    call.json(&mapping).send().await.data(201);
}

async fn list(api: &TestApi, by: &TestUser, query: &str) -> Value {
    api.get(&format!("/api/audit?{query}")).by(by).send().await.data(200)
}

fn actions(list: &Value) -> Vec<&str> {
    list["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_entry_tells_who_did_what_to_which_and_from_where() {
    let api = TestApi::new().await;
    let (manager, auditor) = (api.user(SystemRole::OperationsManager).await, api.user(SystemRole::Auditor).await);
    save(&api, &manager, "bank").await;
    let before = json!({"name": "bank", "mapping": {"No": "policyNumber"}});
    api.post("/api/upload/mappings").by(&manager).json(&before).send().await.data(201);
    let listed = list(&api, &auditor, "entityType=mapping").await;
    assert_eq!(actions(&listed), ["mapping.saved", "mapping.saved"], "newest first");
    let first = &listed["entries"][1];
    assert_eq!(first["actor"], json!({"id": manager.id, "name": "Test User"}));
    assert_eq!(first["entity"], json!({"type": "mapping", "id": "bank"}));
    assert_eq!((&first["before"], &first["apiKey"]), (&Value::Null, &Value::Null));
    assert_eq!((&first["requestId"], &first["userAgent"]), (&json!("req-1"), &json!("a test")));
    assert_eq!(listed["entries"][0]["before"], first["after"], "what it was is what it became before");
    api.get("/api/audit").by(&manager).send().await.error(403, "permission_denied");
}

#[tokio::test]
async fn every_filter_narrows_and_pages_go_on() {
    let api = TestApi::new().await;
    let (manager, other) =
        (api.user(SystemRole::OperationsManager).await, api.user(SystemRole::OperationsManager).await);
    let auditor = api.user(SystemRole::Auditor).await;
    for name in ["a", "b", "c"] {
        save(&api, &manager, name).await;
    }
    api.post("/api/queues/events/pause").by(&other).send().await.data(200);
    let template = json!({"name": "May", "type": "whatsapp", "content": "Dear {name}"});
    let template = api.post("/api/templates").by(&other).json(&template).send().await.data(201);
    let template = template["templateId"].as_str().unwrap();

    let count = async |query: &str| actions(&list(&api, &auditor, query).await).len();
    assert_eq!(count("").await, 5);
    assert_eq!(count("action=mapping.saved").await, 3);
    assert_eq!(count(&format!("actorId={}", other.id)).await, 2);
    assert_eq!(count(&format!("actorId={}&action=mapping.saved", other.id)).await, 0);
    assert_eq!(count(&format!("entityId={template}")).await, 1);
    assert_eq!(count("entityType=mapping&entityKey=b").await, 1);
    assert_eq!(count("from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z").await, 0);
    assert_eq!(count("from=2020-01-01T00:00:00Z").await, 5);

    let first = list(&api, &auditor, "limit=2&entityType=mapping").await;
    let next = first["next"].as_str().unwrap();
    save(&api, &manager, "meanwhile").await;
    let second = list(&api, &auditor, &format!("limit=2&entityType=mapping&before={next}")).await;
    assert_eq!((actions(&second).len(), &second["next"]), (1, &Value::Null));
    assert_eq!(second["entries"][0]["entity"]["id"], "a");

    for (query, field) in [
        ("entityId=7", "entityId"),
        ("entityType=upload&entityId=case-7", "entityId"),
        ("entityKey=a", "entityType"),
        ("from=2021-01-01T00:00:00Z&to=2021-01-01T00:00:00Z", "to"),
        ("before=audit-999", "before"),
    ] {
        let refused = api.get(&format!("/api/audit?{query}")).by(&auditor).send().await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn an_export_holds_what_was_asked_for_and_no_formula() {
    let api = TestApi::new().await;
    let services = &api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let (manager, auditor) = (api.user(SystemRole::OperationsManager).await, api.user(SystemRole::Auditor).await);
    save(&api, &manager, "=cmd|' /C calc'!A0").await;
    save(&api, &manager, "bank").await;
    api.post("/api/queues/events/pause").by(&manager).send().await.data(200);

    let asked = api.post("/api/audit/export").by(&auditor).json(&json!({"entityType": "mapping"})).send().await;
    let asked = asked.data(202);
    let job = asked["jobId"].as_str().unwrap();
    let ended = api.get(&format!("/api/jobs/{job}?wait=30s")).by(&auditor).send().await.data(200);
    assert_eq!((&ended["state"], &ended["result"]), (&json!("succeeded"), &json!({"rows": 2})), "{ended}");
    let file = api.get(asked["downloadUrl"].as_str().unwrap()).by(&auditor).send().await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-disposition").contains("audit-log-"));
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file.body.to_vec())).unwrap();
    let sheet = book.worksheet_range("Audit log").unwrap();
    let keys: Vec<String> = (0..3).map(|row| sheet.get_value((row, 7)).unwrap().to_string()).collect();
    assert_eq!(keys, ["Id", "bank", "=cmd|' /C calc'!A0"]);
    assert!(book.worksheet_formula("Audit log").unwrap().used_cells().next().is_none(), "texts only");

    let another = api.user(SystemRole::Auditor).await;
    api.get(asked["downloadUrl"].as_str().unwrap()).by(&another).send().await.error(404, "not_found");
    let told = list(&api, &auditor, "action=audit.exported").await;
    assert_eq!(told["entries"][0]["actor"]["id"], json!(auditor.id), "the export is in the log itself");
    api.state.services.clock.advance(chrono::TimeDelta::minutes(11));
    let stale = api.post("/api/audit/export").by(&auditor).json(&json!({})).send().await;
    stale.error(403, "step_up_required");
    workers.stop().await;
}

#[tokio::test]
async fn a_person_sees_what_happened_to_their_account_and_to_others_only_with_the_permission() {
    let api = TestApi::new().await;
    let (agent, administrator) = (api.user(SystemRole::Agent).await, api.user(SystemRole::Administrator).await);
    for kind in [SecurityEventKind::SignInFailed, SecurityEventKind::Locked] {
        let event = NewEvent {
            at: api.state.services.clock.now(),
            user: Some(agent.id),
            kind,
            address: None,
            user_agent: Some("a test"),
            details: json!({"means": "password"}),
        };
        security_events::record(&mut *api.connection().await, &event).await.unwrap();
    }
    let own = api.get("/api/auth/security-events?limit=1").by(&agent).send().await.data(200);
    assert_eq!(own["events"][0]["kind"], "locked");
    let next = own["next"].as_str().unwrap();
    let rest = api.get(&format!("/api/auth/security-events?before={next}")).by(&agent).send().await.data(200);
    assert_eq!((&rest["events"][0]["kind"], &rest["next"]), (&json!("sign_in_failed"), &Value::Null));
    let path = format!("/api/users/{}/security-events", agent.id);
    let seen = api.get(&path).by(&administrator).send().await.data(200);
    assert_eq!(seen["events"].as_array().unwrap().len(), 2);
    api.get(&path).by(&agent).send().await.error(403, "permission_denied");
    api.get("/api/users/user-999/security-events").by(&administrator).send().await.error(404, "not_found");
}

/// The list stays on its indexes however the log grows.
#[tokio::test]
async fn each_filter_has_an_index_that_goes_on_by_time() {
    let api = TestApi::new().await;
    let client = connect(api.base.database.url()).await;
    client
        .batch_execute(
            "SET session_replication_role = replica; \
             INSERT INTO users (email, first_name, last_name) SELECT 'u' || n || '@example.com', 'A', 'B' \
             FROM generate_series(1, 50) n; \
             INSERT INTO audit_log (at, actor_id, action, entity_type, entity_id) \
             SELECT now() - n * interval '1 second', n % 50 + 1, 'thing.done' || n % 40, 'thing' || n % 20, n \
             FROM generate_series(1, 20000) n; \
             ANALYZE audit_log",
        )
        .await
        .unwrap();
    for filter in [
        "TRUE",
        "actor_id = 7",
        "action = 'thing.done7'",
        "entity_type = 'thing7'",
        "entity_type = 'thing7' AND entity_id = 7",
        "entity_type = 'thing7' AND entity_key = 'a'",
        "at >= now() - interval '4 hours' AND at < now() - interval '3 hours'",
        "actor_id = 7 AND at < now() - interval '3 hours'",
    ] {
        let query = format!("EXPLAIN SELECT * FROM audit_log WHERE {filter} ORDER BY at DESC, id DESC LIMIT 21");
        let plan: Vec<String> = client.query(&query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("Index Scan") && !plan.contains("Seq Scan"), "{filter}:\n{plan}");
    }
}
