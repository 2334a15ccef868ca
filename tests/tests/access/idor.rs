//! Ids of another branch, wherever an id can be put: they open nothing, and tell nothing of what they stand for.

use crate::{
    calls::{call, only_looks, operations},
    ground::{Ground, HEAD, SOLE},
};
use poem::http::StatusCode;
use serde_json::json;

/// Ids that are not of anybody's rows: these are everybody's.
const SHARED: &[&str] = &[
    "/api/templates/{id}",
    "/api/queues/{name}",
    "/api/roles/{id}",
    "/api/branches/{id}",
    "/api/auth/oidc/{provider}",
    // templates, flows and accounts that send are the insurer's, not a branch's
    "/api/whatsapp/templates/{id}",
    "/api/whatsapp/flows/{id}",
    "/api/communication/accounts/{account}",
    // signed tokens, which nobody can guess, and no ids; the same picture for everybody
    "/t/",
    "/u/{token}",
    "/p/{token}",
    "/v/{token}",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_another_branch_opens_nothing() {
    let ground = Ground::new().await;
    let other = ground.world_there().await;
    let mut tried = 0;
    for operation in operations() {
        let path = operation.split(' ').nth(1).expect("a path");
        if !path.contains('{') || SHARED.iter().any(|shared| path.starts_with(shared)) {
            continue;
        }
        // of system roles an agent sees a branch only; the two others may do everything
        for role in ["agent", HEAD, SOLE] {
            // whoever manages queues sees everybody's jobs
            if path.starts_with("/api/jobs/") && role != "agent" {
                continue;
            }
            let caller = ground.person(role, ground.here).await;
            let other = if only_looks(&operation) { other.clone() } else { ground.world_there().await };
            let called = call(&operation, &other).expect("a call");
            let answer = called.send(&ground, &operation, Some(&caller)).await;
            let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&answer.status);
            assert!(refused, "{role}: {operation}: {answer:?}");
            // one who may do everything is told what one is told of an id that never was
            assert!(role == "agent" || answer.status == StatusCode::NOT_FOUND, "{role}: {operation}: {answer:?}");
            assert!(!other.is_told_by(&String::from_utf8_lossy(&answer.body)), "{role}: {operation}: {answer:?}");
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_list_shows_rows_of_another_branch() {
    let ground = Ground::new().await;
    let other = ground.world_there().await;
    for role in ["agent", HEAD, SOLE] {
        let caller = ground.person(role, ground.here).await;
        let own = ground.world(caller.id, ground.here).await;
        for operation in operations() {
            let is_list = only_looks(&operation) && !operation.contains('{');
            // whoever manages queues sees everybody's jobs
            if !is_list || operation.ends_with("/api/jobs") {
                continue;
            }
            let called =
                [call(&operation, &other).expect("a call"), call(&operation, &own).expect("a call").unfiltered()];
            for called in called {
                let path = called.path().to_owned();
                let answer = called.send(&ground, &operation, Some(&caller)).await;
                assert!(!other.is_told_by(&String::from_utf8_lossy(&answer.body)), "{role}: {path}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_filter_search_or_count_shows_another_branch() {
    let ground = Ground::new().await;
    let other = ground.world_there().await;
    for role in ["agent", HEAD, SOLE] {
        let caller = ground.person(role, ground.here).await;
        let own = ground.world(caller.id, ground.here).await;
        for (path, list) in [
            (format!("/api/customers?search={}", other.mark), "customers"),
            (format!("/api/customers?search={}-C", other.mark), "customers"),
            (format!("/api/customers?uploadId=upload-{}", other.upload), "customers"),
            (format!("/api/policies?search={}-P", other.mark), "policies"),
            (format!("/api/policies?uploadId=upload-{}", other.upload), "policies"),
            (format!("/api/policies?customerId=customer-{}", other.customer), "policies"),
            (format!("/api/cases?search={}-K", other.mark), "cases"),
            (format!("/api/cases?uploadId=upload-{}", other.upload), "cases"),
            (format!("/api/cases?policyId=policy-{}", other.policy), "cases"),
            (format!("/api/campaigns?search={}", other.mark), "campaigns"),
            (format!("/api/campaigns?uploadId=upload-{}", other.upload), "campaigns"),
        ] {
            let page = ground.api.get(&path).by(&caller).send().await.data(200);
            assert_eq!(page[list], json!([]), "{role}: {path}");
            assert_eq!(page["pagination"]["total"], 0, "{role}: {path}");
        }
        for (path, list) in [
            ("/api/customers", "customers"),
            ("/api/policies", "policies"),
            ("/api/cases", "cases"),
            ("/api/campaigns", "campaigns"),
            ("/api/upload/history", "uploads"),
        ] {
            let page = ground.api.get(path).by(&caller).send().await.data(200);
            let count = page[list].as_array().expect("a list").len();
            assert_eq!(page["pagination"]["total"], count, "{role}: {path}");
            assert!(page.to_string().contains(&own.mark), "{role}: {path}");
        }
        let jobs = ground.api.get(&format!("/api/jobs?createdBy=user-{}", other.owner.0)).by(&caller).send().await;
        assert!(role != "agent" || jobs.status == StatusCode::FORBIDDEN, "{jobs:?}");
    }
}

#[tokio::test]
async fn a_campaign_over_another_branchs_upload_is_one_over_none() {
    let ground = Ground::new().await;
    let other = ground.world_there().await;
    for role in [HEAD, SOLE] {
        let caller = ground.person(role, ground.here).await;
        let called = call("post /api/campaigns", &other).expect("a call");
        let answer = called.send(&ground, "post /api/campaigns", Some(&caller)).await;
        let error = answer.error(400, "validation_failed");
        let expected = json!([{"field": "uploadId", "message": "there is no such upload"}]);
        assert_eq!(error["details"]["fields"], expected, "{role}");
    }
}
