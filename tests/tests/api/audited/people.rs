//! How the operations on people are called.

use super::{
    cases::{Case, case},
    stage::Stage,
};
use domain::{ids::UserId, permissions::SystemRole};
use poem::http::Method;
use serde_json::json;
use tests::{diesel_schema::connect, http::Call};
use uuid::Uuid;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// Every case.
pub fn cases() -> Vec<Case> {
    vec![
        case!("patch /api/auth/me" => "user.changed", |stage| patch(stage, "/api/auth/me")),
        case!("put /api/auth/me/avatar" => "user.avatar_changed", |stage| {
            stage.put("/api/auth/me/avatar").body("image/png", PNG)
        }),
        case!("post /api/users" => "user.invited", |stage| invitation(stage)),
        case!("patch /api/users/{id}" => "user.changed", |stage| {
            let user = agent(stage).await;
            patch(stage, &format!("/api/users/{user}"))
        }),
        case!("put /api/users/{id}/avatar" => "user.avatar_changed", |stage| {
            let user = agent(stage).await;
            stage.put(&format!("/api/users/{user}/avatar")).body("image/png", PNG)
        }),
        case!("put /api/users/{id}/role" => "user.role_changed", |stage| {
            let user = agent(stage).await;
            stage.put(&format!("/api/users/{user}/role")).json(&json!({"role": "read_only"}))
        }),
        case!("post /api/users/{id}/invite" => "user.invited_again", |stage| {
            let invited = invitation(stage).send().await.data(201);
            stage.post(&format!("/api/users/{}/invite", invited["id"].as_str().unwrap()))
        }),
        case!("post /api/users/{id}/suspend" => "user.suspended", |stage| post(stage, "suspend").await),
        case!("post /api/users/{id}/activate" => "user.activated", |stage| {
            let user = agent(stage).await;
            stage.post(&format!("/api/users/{user}/suspend")).send().await.data(200);
            stage.post(&format!("/api/users/{user}/activate"))
        }),
        case!("post /api/users/{id}/unlock" => "user.unlocked", |stage| post(stage, "unlock").await),
        case!("post /api/users/{id}/sessions/end" => "user.sessions_ended", |stage| {
            post(stage, "sessions/end").await
        }),
        case!("post /api/users/{id}/mfa/disable" => "user.mfa_disabled", |stage| {
            let user = agent(stage).await;
            let client = connect(stage.api.base.database.url()).await;
            client.execute("UPDATE users SET mfa_enabled = TRUE WHERE id = $1", &[&user.0]).await.unwrap();
            stage.post(&format!("/api/users/{user}/mfa/disable"))
        }),
    ]
}

async fn agent(stage: &Stage<'_>) -> UserId {
    stage.api.user(SystemRole::Agent).await.id
}

async fn post(stage: &Stage<'_>, action: &str) -> Call {
    let user = agent(stage).await;
    stage.post(&format!("/api/users/{user}/{action}"))
}

fn patch(stage: &Stage<'_>, path: &str) -> Call {
    stage.api.call(Method::PATCH, path).by(&stage.user).json(&json!({"jobTitle": "Lead"}))
}

fn invitation(stage: &Stage<'_>) -> Call {
    let email = format!("invited{}@example.com", Uuid::now_v7().simple());
    stage.post("/api/users").json(&json!({"email": email, "firstName": "Asha", "lastName": "Rao", "role": "agent"}))
}
