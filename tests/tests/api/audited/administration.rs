//! How the operations on roles, offices and keys of machines are called.

use super::{
    cases::{Case, case},
    stage::Stage,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Every case.
pub fn cases() -> Vec<Case> {
    vec![
        case!("post /api/roles" => "role.created", |stage| stage.post("/api/roles").json(&role())),
        case!("put /api/roles/{id}" => "role.changed", |stage| {
            let id = made(stage, "/api/roles", &role()).await;
            let mut changed = role();
            changed["displayName"] = json!("Changed");
            stage.put(&format!("/api/roles/{id}")).json(&changed)
        }),
        case!("delete /api/roles/{id}" => "role.deleted", |stage| {
            let id = made(stage, "/api/roles", &role()).await;
            stage.delete(&format!("/api/roles/{id}"))
        }),
        case!("post /api/branches" => "branch.created", |stage| stage.post("/api/branches").json(&branch())),
        case!("put /api/branches/{id}" => "branch.changed", |stage| {
            let id = made(stage, "/api/branches", &branch()).await;
            stage.put(&format!("/api/branches/{id}")).json(&branch())
        }),
        case!("post /api/api-keys" => "api_key.created", |stage| stage.post("/api/api-keys").json(&key())),
        case!("delete /api/api-keys/{id}" => "api_key.revoked", |stage| {
            let id = made(stage, "/api/api-keys", &key()).await;
            stage.delete(&format!("/api/api-keys/{id}"))
        }),
        case!("post /api/api-keys/{id}/rotate" => "api_key.rotated", |stage| {
            let id = made(stage, "/api/api-keys", &key()).await;
            stage.post(&format!("/api/api-keys/{id}/rotate")).json(&json!({}))
        }),
    ]
}

/// Makes one; its id.
async fn made(stage: &Stage<'_>, path: &str, body: &Value) -> String {
    let made = stage.post(path).json(body).send().await.data(201);
    // a key's secret is told beside it
    let id = made["id"].as_str().or_else(|| made["apiKey"]["id"].as_str());
    id.unwrap_or_else(|| panic!("{made}")).to_owned()
}

fn role() -> Value {
    let name = format!("role_{}", Uuid::now_v7().simple());
    json!({"name": name, "displayName": "A role", "permissions": ["jobs.view"], "scope": "branch", "requiresMfa": false})
}

fn branch() -> Value {
    json!({"code": Uuid::now_v7().simple().to_string()[16..], "name": "An office"})
}

fn key() -> Value {
    json!({"name": "Partner", "permissions": ["jobs.view"]})
}
