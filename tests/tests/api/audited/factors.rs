//! How the operations on second factors are called.

use super::{
    cases::{Case, case},
    stage::Stage,
};
use jobs::security::totp::TotpSecret;
use serde_json::json;
use tests::{
    diesel_schema::connect,
    http::{Call, PASSWORD},
};

/// Every case.
pub fn cases() -> Vec<Case> {
    vec![
        case!("post /api/auth/confirm" => "session.confirmed", |stage| {
            stage.post("/api/auth/confirm").json(&json!({"password": PASSWORD}))
        }),
        case!("post /api/auth/mfa/enroll" => "mfa.enrolment_begun", |stage| enrolment(stage)),
        case!("post /api/auth/mfa/activate" => "mfa.enabled", |stage| activation(stage).await),
        case!("post /api/auth/mfa/recovery-codes" => "mfa.recovery_codes_made", |stage| {
            activation(stage).await.send().await.data(200);
            stage.post("/api/auth/mfa/recovery-codes")
        }),
        case!("post /api/auth/mfa/disable" => "mfa.disabled", |stage| {
            activation(stage).await.send().await.data(200);
            stage.post("/api/auth/mfa/disable")
        }),
    ]
}

fn enrolment(stage: &Stage<'_>) -> Call {
    stage.post("/api/auth/mfa/enroll").json(&json!({}))
}

/// With the code that the app shows.
async fn activation(stage: &Stage<'_>) -> Call {
    enrolment(stage).send().await.data(200);
    let client = connect(stage.api.base.database.url()).await;
    let kept = client.query_one("SELECT mfa_secret::TEXT FROM users WHERE id = $1", &[&stage.user.id.0]).await.unwrap();
    let services = &stage.api.state.services;
    let secret = TotpSecret::open(&services.security.key_ring, stage.user.id.0, kept.get(0)).unwrap();
    let code = secret.code(services.clock.now());
    stage.post("/api/auth/mfa/activate").json(&json!({"code": code}))
}
