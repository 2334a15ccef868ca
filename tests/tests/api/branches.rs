//! Offices: written down, changed, and found.

use domain::permissions::SystemRole;
use serde_json::json;
use tests::{http::TestApi, people::audited};

#[tokio::test]
async fn an_office_is_written_down_and_changed() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let body = json!({"code": "BLR", "name": "Bengaluru", "address": {"city": "Bengaluru", "postalCode": "560001"}});
    let made = api.post("/api/branches").by(&admin).json(&body).send().await.data(201);
    assert_eq!((&made["timeZone"], &made["address"]), (&json!("Asia/Kolkata"), &body["address"]));
    api.post("/api/branches").by(&admin).json(&body).send().await.error(409, "code_taken");
    let path = format!("/api/branches/{}", made["id"].as_str().unwrap());
    let change = json!({"code": "DXB", "name": "Dubai", "timeZone": "Asia/Dubai"});
    let changed = api.put(&path).by(&admin).json(&change).send().await.data(200);
    assert_eq!((&changed["code"], &changed["address"]), (&json!("DXB"), &json!(null)));
    assert_eq!(api.get(&path).by(&admin).send().await.data(200), changed);
    let listed = api.get("/api/branches").by(&admin).send().await.data(200);
    assert_eq!((&listed["branches"], &listed["pagination"]["total"]), (&json!([changed]), &json!(1)));
    let id = made["id"].as_str().unwrap().trim_start_matches("branch-").parse().unwrap();
    assert_eq!(audited(&api, "branch", id).await, ["branch.created", "branch.changed"]);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let wrong = json!({"code": " ", "name": "x", "timeZone": "Mars/Olympus"});
    let refused = api.post("/api/branches").by(&admin).json(&wrong).send().await.error(400, "validation_failed");
    assert_eq!(refused["details"]["fields"].as_array().unwrap().len(), 2, "{refused}");
    let extra = json!({"code": "A", "name": "x", "id": "branch-7"});
    api.post("/api/branches").by(&admin).json(&extra).send().await.error(400, "validation_failed");
    let right = json!({"code": "A", "name": "x"});
    api.put("/api/branches/branch-999").by(&admin).json(&right).send().await.error(404, "not_found");
    api.get("/api/branches/branch-999").by(&admin).send().await.error(404, "not_found");
    let manager = api.user(SystemRole::OperationsManager).await;
    api.get("/api/branches").by(&manager).send().await.data(200);
    api.post("/api/branches").by(&manager).json(&right).send().await.error(403, "permission_denied");
}
