//! Roles: what they give, who may write them, and that a change works at once.

use chrono::TimeDelta;
use domain::permissions::{Permission, Scope, SystemRole};
use serde_json::{Value, json};
use tests::{
    http::{Answer, TestApi, TestUser},
    people::{audited, holder, role},
};

fn body(name: &str, permissions: &[Permission]) -> Value {
    json!({"name": name, "displayName": "Front desk", "permissions": permissions, "scope": "branch"})
}

async fn create(api: &TestApi, by: &TestUser, body: &Value) -> Answer {
    api.post("/api/roles").by(by).json(body).send().await
}

async fn change(api: &TestApi, by: &TestUser, id: &Value, body: &Value) -> Answer {
    api.put(&format!("/api/roles/{}", id.as_str().unwrap())).by(by).json(body).send().await
}

/// The role of that name, as it is listed.
async fn listed(api: &TestApi, by: &TestUser, name: &str) -> Value {
    let listed = api.get("/api/roles?limit=200").by(by).send().await.data(200);
    listed["roles"].as_array().unwrap().iter().find(|role| role["name"] == name).unwrap().clone()
}

/// Everything about a role that a change states.
fn text(role: &Value) -> Value {
    let fields = ["name", "displayName", "description", "permissions", "scope", "requiresMfa"];
    fields.iter().map(|field| ((*field).to_owned(), role[field].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn a_role_is_written_held_changed_and_deleted() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let made = create(&api, &admin, &body("front_desk", &[Permission::CasesView])).await.data(201);
    assert_eq!((&made["isSystem"], &made["users"], &made["requiresMfa"]), (&json!(false), &json!(0), &json!(false)));
    create(&api, &admin, &body("front_desk", &[])).await.error(409, "name_taken");
    let user = holder(&api, "front_desk", None).await;
    assert_eq!(listed(&api, &admin, "front_desk").await["users"], 1);
    api.get("/api/cases").by(&user).send().await.data(200);
    api.get("/api/templates").by(&user).send().await.error(403, "permission_denied");
    let wider = body("front_desk", &[Permission::TemplatesView]);
    change(&api, &admin, &made["id"], &wider).await.data(200);
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/templates").by(&user).send().await.data(200);
    api.get("/api/cases").by(&user).send().await.error(403, "permission_denied");
    let path = format!("/api/roles/{}", made["id"].as_str().unwrap());
    let held = api.delete(&path).by(&admin).send().await.error(409, "role_held");
    assert_eq!(held["details"]["users"], 1);
    let moved = api.put(&format!("/api/users/{}/role", user.id)).by(&admin).json(&json!({"role": "agent"}));
    moved.send().await.data(200);
    api.delete(&path).by(&admin).send().await.data(200);
    api.get(&path).by(&admin).send().await.error(404, "not_found");
    let id = made["id"].as_str().unwrap().trim_start_matches("role-").parse().unwrap();
    assert_eq!(audited(&api, "role", id).await, ["role.created", "role.changed", "role.deleted"]);
}

#[tokio::test]
async fn what_is_not_known_is_a_fault() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let mut wrong = body("Front Desk", &[]);
    wrong["permissions"] = json!(["cases.view", "cases.burn"]);
    wrong["scope"] = json!("world");
    let fields = create(&api, &admin, &wrong).await.error(400, "validation_failed")["details"]["fields"].clone();
    let fields: Vec<_> =
        fields.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap().to_owned()).collect();
    assert!(["permissions[1]", "scope"].iter().all(|field| fields.contains(&(*field).to_owned())), "{fields:?}");
    create(&api, &admin, &body("Front Desk", &[])).await.error(400, "validation_failed");
    let mut more = body("front_desk", &[]);
    more["isSystem"] = json!(true);
    let refused = create(&api, &admin, &more).await.error(400, "validation_failed");
    assert_eq!(refused["details"]["fields"][0]["field"], "isSystem");
}

#[tokio::test]
async fn nobody_writes_a_role_above_their_own() {
    let api = TestApi::new().await;
    let held = [Permission::RolesView, Permission::RolesManage, Permission::CasesView];
    role(&api, "keeper", &held, Scope::Branch).await;
    let keeper = holder(&api, "keeper", Some(tests::people::branch(&api, "BLR").await)).await;
    create(&api, &keeper, &body("a_role", &[Permission::UsersManage])).await.error(403, "not_held");
    let mut wide = body("a_role", &[Permission::CasesView]);
    wide["scope"] = json!("all");
    create(&api, &keeper, &wide).await.error(403, "wider_scope");
    let made = create(&api, &keeper, &body("a_role", &[Permission::CasesView])).await.data(201);
    change(&api, &keeper, &made["id"], &body("a_role", &[Permission::AuditView])).await.error(403, "not_held");
    let agent = listed(&api, &keeper, "agent").await;
    let mut less = text(&agent);
    less["permissions"] = json!(["cases.view"]);
    change(&api, &keeper, &agent["id"], &less).await.error(403, "holds_more");
    let own = listed(&api, &keeper, "keeper").await;
    change(&api, &keeper, &own["id"], &text(&own)).await.error(403, "own_role");
    let manager = api.user(SystemRole::OperationsManager).await;
    create(&api, &manager, &body("b_role", &[])).await.error(403, "permission_denied");
    api.state.services.clock.advance(TimeDelta::minutes(11));
    create(&api, &keeper, &body("b_role", &[])).await.error(403, "step_up_required");
}

#[tokio::test]
async fn the_systems_roles_stay_and_the_administrators_keeps_everything() {
    let api = TestApi::new().await;
    let admin = api.user(SystemRole::Administrator).await;
    let own = listed(&api, &admin, "administrator").await;
    let mut less = text(&own);
    less["permissions"] = json!(["users.view"]);
    change(&api, &admin, &own["id"], &less).await.error(409, "administrator_role");
    let mut narrow = text(&own);
    narrow["scope"] = json!("own");
    change(&api, &admin, &own["id"], &narrow).await.error(409, "administrator_role");
    let path = format!("/api/roles/{}", own["id"].as_str().unwrap());
    api.delete(&path).by(&admin).send().await.error(409, "system_role");
    let agent = listed(&api, &admin, "agent").await;
    let mut renamed = text(&agent);
    renamed["name"] = json!("salesman");
    change(&api, &admin, &agent["id"], &renamed).await.error(409, "system_role");
    let mut guarded = text(&own);
    guarded["requiresMfa"] = json!(true);
    assert_eq!(change(&api, &admin, &own["id"], &guarded).await.data(200)["requiresMfa"], true);
    api.state.services.clock.advance(TimeDelta::seconds(1));
    api.get("/api/roles").by(&admin).send().await.error(403, "mfa_required");
}

#[tokio::test]
async fn every_permission_is_listed_once_with_what_it_allows() {
    let api = TestApi::new().await;
    let auditor = api.user(SystemRole::Auditor).await;
    let listed = api.get("/api/permissions").by(&auditor).send().await.data(200);
    let groups = listed["groups"].as_array().unwrap();
    let all: Vec<_> = groups.iter().flat_map(|group| group["permissions"].as_array().unwrap()).collect();
    assert_eq!(all.len(), Permission::ALL.len());
    assert!(all.iter().all(|one| one["description"].as_str().unwrap().ends_with('.')), "{all:?}");
    assert!(groups.iter().all(|group| !group["permissions"].as_array().unwrap().is_empty()));
}
