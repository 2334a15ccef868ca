//! Every changing operation of the document is performed, and leaves its entry in the audit log, under the request's id
//! and in the caller's name; or it is a reviewed exception.
//!
//! A new operation is a case in `audited/cases.rs`, or an exception with its reason in `audited/exceptions.rs`.

#[path = "audited/administration.rs"]
mod administration;
#[path = "audited/campaigns.rs"]
mod campaigns;
#[path = "audited/cases.rs"]
mod cases;
#[path = "audited/exceptions.rs"]
mod exceptions;
#[path = "audited/factors.rs"]
mod factors;
#[path = "audited/joining.rs"]
mod joining;
#[path = "audited/people.rs"]
mod people;
#[path = "audited/stage.rs"]
mod stage;
#[path = "audited/whatsapp.rs"]
mod whatsapp;

use cases::cases;
use exceptions::EXCEPTIONS;
use serde_json::Value;
use stage::Stage;
use std::collections::BTreeSet;
use tests::{diesel_schema::connect, http::TestApi};

/// `method path` of every operation that may change something.
fn changing() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys().filter(|method| *method != "get" && *method != "head");
        methods.map(move |method| format!("{method} {path}"))
    });
    all.collect()
}

#[test]
fn every_changing_operation_is_a_case_or_an_exception() {
    let known: Vec<_> = cases().iter().map(|case| case.operation).chain(EXCEPTIONS.iter().map(|one| one.0)).collect();
    let unique: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unique.len(), known.len(), "none twice");
    let changing = changing();
    let unheard: Vec<_> = changing.difference(&unique).collect();
    assert!(unheard.is_empty(), "neither audited by a case nor an exception with a reason: {unheard:#?}");
    let gone: Vec<_> = unique.difference(&changing).collect();
    assert!(gone.is_empty(), "not in the document: {gone:#?}");
    assert!(EXCEPTIONS.iter().all(|(_, reason)| reason.len() > 20), "an exception says why");
}

#[tokio::test]
async fn every_change_leaves_its_entry() {
    let api = TestApi::new().await;
    let client = connect(api.base.database.url()).await;
    let mut missing = Vec::new();
    for (number, case) in (1..).zip(cases()) {
        let stage = Stage::new(&api).await;
        let request_id = format!("audited-{number}");
        let call = (case.call)(&stage).await;
        let answer = call.header("x-request-id", &request_id).header("user-agent", "a test").send().await;
        assert!(answer.status.is_success(), "{}: {answer:?}", case.operation);
        let query = "SELECT actor_id, action::TEXT, user_agent::TEXT FROM audit_log WHERE request_id = $1 ORDER BY id";
        let rows = client.query(query, &[&request_id]).await.unwrap();
        let told: Vec<(Option<i64>, String, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let expected = (Some(stage.user.id.0), case.action.to_owned(), Some("a test".to_owned()));
        if !told.contains(&expected) {
            missing.push(format!("{} left {told:?} instead of {:?}", case.operation, case.action));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(stage::unlinked(&client).await, 0, "every entry is in a chain");
}

/// A request that is refused leaves nothing.
#[tokio::test]
async fn what_is_refused_is_not_in_the_log() {
    let api = TestApi::new().await;
    let stage = Stage::new(&api).await;
    let before = stage.entries().await;
    stage.post("/api/templates").json(&serde_json::json!({"name": ""})).send().await.error(400, "validation_failed");
    stage.post("/api/queues/nowhere/pause").send().await.error(404, "not_found");
    stage.delete("/api/templates/template-999").send().await.error(404, "not_found");
    assert_eq!(stage.entries().await, before);
}
