//! Keys of machines: what they may do, and how they end.

use chrono::TimeDelta;
use domain::{
    ids::UserId,
    permissions::{Permission, Scope, SystemRole},
};
use serde_json::{Value, json};
use tests::{
    http::{Answer, TestApi, TestUser},
    people::{audited, events, holder, role},
};

async fn make(api: &TestApi, by: &TestUser, body: Value) -> Answer {
    api.post("/api/api-keys").by(by).json(&body).send().await
}

/// A key of one's own that may do that.
async fn key(api: &TestApi, by: &TestUser, permissions: &[Permission]) -> Value {
    make(api, by, json!({"name": "Website", "permissions": permissions})).await.data(201)
}

async fn get(api: &TestApi, key: &Value, path: &str) -> Answer {
    api.get(path).bearer(key["key"].as_str().unwrap()).send().await
}

fn id(key: &Value) -> &str {
    key["apiKey"]["id"].as_str().unwrap()
}

fn second(api: &TestApi) {
    api.state.services.clock.advance(TimeDelta::seconds(1));
}

#[tokio::test]
async fn a_key_does_what_it_and_its_owner_may() {
    let api = TestApi::new().await;
    let manager = api.user(SystemRole::OperationsManager).await;
    let made = key(&api, &manager, &[Permission::CasesView, Permission::TemplatesView]).await;
    let text = made["key"].as_str().unwrap();
    let prefix = made["apiKey"]["prefix"].as_str().unwrap();
    assert!(prefix.starts_with("rnk_") && text.starts_with(prefix) && text.len() > 50, "{made}");
    get(&api, &made, "/api/cases").await.data(200);
    get(&api, &made, "/api/templates").await.data(200);
    get(&api, &made, "/api/policies").await.error(403, "permission_denied");
    let me = get(&api, &made, "/api/auth/me").await.data(200);
    assert_eq!(me["permissions"], json!(["cases.view", "templates.view"]));
    // what the owner loses, the key loses
    let admin = api.user(SystemRole::Administrator).await;
    let moved = api.put(&format!("/api/users/{}/role", manager.id)).by(&admin).json(&json!({"role": "claims_handler"}));
    moved.send().await.data(200);
    second(&api);
    get(&api, &made, "/api/cases").await.data(200);
    get(&api, &made, "/api/templates").await.error(403, "permission_denied");
    api.post(&format!("/api/users/{}/suspend", manager.id)).by(&admin).send().await.data(200);
    second(&api);
    get(&api, &made, "/api/cases").await.error(401, "invalid_api_key");
    let kept = "SELECT count(*) FROM api_keys WHERE key_hash = sha256(convert_to($1, 'UTF8'))";
    let client = tests::diesel_schema::connect(api.base.database.url()).await;
    assert_eq!(client.query_one(kept, &[&text]).await.unwrap().get::<_, i64>(0), 1, "the hash is kept");
}

#[tokio::test]
async fn nobody_makes_a_key_that_may_do_more() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let more = json!({"name": "x", "permissions": ["cases.view", "users.manage"]});
    let refused = make(&api, &agent, more).await.error(403, "not_held");
    assert_eq!(refused["details"]["permissions"], json!(["users.manage"]));
    let now = api.state.services.clock.now();
    for ends in [now - TimeDelta::seconds(1), now + TimeDelta::days(366)] {
        let body = json!({"name": "x", "permissions": ["cases.view"], "expiresAt": ends});
        make(&api, &agent, body).await.error(400, "validation_failed");
    }
    make(&api, &agent, json!({"name": "x", "permissions": []})).await.error(400, "validation_failed");
    let unknown = json!({"name": "x", "permissions": ["cases.burn"]});
    make(&api, &agent, unknown).await.error(400, "validation_failed");
    let hidden = json!({"name": "x", "permissions": ["cases.view"], "prefix": "rnk_mine"});
    make(&api, &agent, hidden).await.error(400, "validation_failed");
    api.state.services.clock.advance(TimeDelta::minutes(11));
    make(&api, &agent, json!({"name": "x", "permissions": ["cases.view"]})).await.error(403, "step_up_required");
}

#[tokio::test]
async fn keys_for_others_take_the_right_to_manage_them() {
    let api = TestApi::new().await;
    role(&api, "keeper", &[Permission::UsersManage, Permission::CasesView], Scope::All).await;
    role(&api, "looker", &[Permission::CasesView, Permission::UsersManage], Scope::All).await;
    let (admin, agent) = (api.user(SystemRole::Administrator).await, api.user(SystemRole::Agent).await);
    let (keeper, looker) = (holder(&api, "keeper", None).await, holder(&api, "looker", None).await);
    let for_whom = |user: UserId, permission: &str| json!({"name": "x", "permissions": [permission], "userId": user});
    make(&api, &agent, for_whom(looker.id, "cases.view")).await.error(403, "permission_denied");
    make(&api, &keeper, for_whom(admin.id, "cases.view")).await.error(403, "holds_more");
    make(&api, &admin, for_whom(looker.id, "audit.view")).await.error(403, "not_held");
    let made = make(&api, &keeper, for_whom(looker.id, "cases.view")).await.data(201);
    assert_eq!((&made["apiKey"]["userId"], &made["apiKey"]["createdBy"]), (&json!(looker.id), &json!(keeper.id)));
    assert_eq!(get(&api, &made, "/api/auth/me").await.data(200)["id"], json!(looker.id));
    let path = format!("/api/api-keys/{}", id(&made));
    api.delete(&path).by(&agent).send().await.error(404, "not_found");
    api.post(&format!("{path}/rotate")).by(&agent).json(&json!({})).send().await.error(404, "not_found");
    api.get(&format!("/api/api-keys?userId={}", looker.id)).by(&agent).send().await.error(403, "permission_denied");
    let listed = api.get(&format!("/api/api-keys?userId={}", looker.id)).by(&keeper).send().await.data(200);
    assert_eq!(listed["apiKeys"].as_array().unwrap().len(), 1);
    assert_eq!(events(&api, looker.id).await, ["api_key_made"]);
}

#[tokio::test]
async fn a_key_is_revoked_within_a_second_and_ends_in_time() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let made = key(&api, &agent, &[Permission::CasesView]).await;
    get(&api, &made, "/api/cases").await.data(200);
    let path = format!("/api/api-keys/{}", id(&made));
    assert!(api.delete(&path).by(&agent).send().await.data(200)["revokedAt"].is_string());
    api.delete(&path).by(&agent).send().await.error(409, "already_revoked");
    second(&api);
    get(&api, &made, "/api/cases").await.error(401, "invalid_api_key");
    api.post(&format!("{path}/rotate")).by(&agent).json(&json!({})).send().await.error(409, "key_ended");
    assert_eq!(events(&api, agent.id).await, ["api_key_made", "api_key_revoked"]);
    let number = id(&made).trim_start_matches("key-").parse().unwrap();
    assert_eq!(audited(&api, "key", number).await, ["api_key.created", "api_key.revoked"]);
    let ends = api.state.services.clock.now() + TimeDelta::minutes(5);
    let body = json!({"name": "x", "permissions": ["cases.view"], "expiresAt": ends});
    let short = make(&api, &agent, body).await.data(201);
    get(&api, &short, "/api/cases").await.data(200);
    api.state.services.clock.advance(TimeDelta::minutes(5));
    get(&api, &short, "/api/cases").await.error(401, "invalid_api_key");
    for wrong in ["rnk_", "rnk_nobody_knows_this", "rnk_%00"] {
        api.get("/api/cases").bearer(wrong).send().await.error(401, "invalid_api_key");
    }
}

#[tokio::test]
async fn a_replaced_key_goes_on_for_a_while() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let old = key(&api, &agent, &[Permission::CasesView]).await;
    let path = format!("/api/api-keys/{}/rotate", id(&old));
    let too_long = json!({"overlapSeconds": 604_801});
    api.post(&path).by(&agent).json(&too_long).send().await.error(400, "validation_failed");
    let new = api.post(&path).by(&agent).json(&json!({"overlapSeconds": 60})).send().await.data(201);
    assert_eq!(new["apiKey"]["rotatedFrom"], old["apiKey"]["id"]);
    assert_ne!(new["key"], old["key"]);
    for key in [&old, &new] {
        get(&api, key, "/api/cases").await.data(200);
        get(&api, key, "/api/policies").await.error(403, "permission_denied");
    }
    api.state.services.clock.advance(TimeDelta::seconds(61));
    get(&api, &old, "/api/cases").await.error(401, "invalid_api_key");
    get(&api, &new, "/api/cases").await.data(200);
}

#[tokio::test]
async fn a_key_is_no_person() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let made = key(&api, &admin, Permission::ALL).await;
    let token = made["key"].as_str().unwrap();
    get(&api, &made, "/api/users").await.data(200);
    get(&api, &made, "/api/auth/sessions").await.error(403, "person_needed");
    get(&api, &made, "/api/api-keys").await.error(403, "person_needed");
    let another = json!({"name": "x", "permissions": ["cases.view"]});
    api.post("/api/api-keys").bearer(token).json(&another).send().await.error(403, "person_needed");
    api.delete("/api/auth/sessions").bearer(token).send().await.error(403, "person_needed");
    let path = format!("/api/api-keys/{}", id(&made));
    api.delete(&path).bearer(token).send().await.error(403, "person_needed");
    let role = json!({"name": "r_r", "displayName": "R", "permissions": [], "scope": "own"});
    api.post("/api/roles").bearer(token).json(&role).send().await.error(403, "person_needed");
}

#[tokio::test]
async fn the_last_use_is_told_to_the_minute() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let made = key(&api, &agent, &[Permission::CasesView]).await;
    let last = async || {
        let fresh = TestUser { token: api.session(agent.id).await, ..agent.clone() };
        api.get("/api/api-keys").by(&fresh).send().await.data(200)["apiKeys"][0]["lastUsedAt"].clone()
    };
    assert_eq!(last().await, Value::Null);
    get(&api, &made, "/api/cases").await.data(200);
    let first = last().await;
    assert!(first.is_string());
    api.state.services.clock.advance(TimeDelta::seconds(30));
    get(&api, &made, "/api/cases").await.data(200);
    assert_eq!(last().await, first);
    api.state.services.clock.advance(TimeDelta::seconds(31));
    get(&api, &made, "/api/cases").await.data(200);
    assert_ne!(last().await, first);
}
