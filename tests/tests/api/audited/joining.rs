//! How people come to their passwords: the operations, and who calls them with a link that was mailed.

use super::{
    cases::{Case, case},
    stage::Stage,
};
use jobs::security::secret_token::SecretToken;
use secrecy::ExposeSecret;
use serde_json::json;
use tests::{diesel_schema::connect, http::PASSWORD};

/// Not the one before.
const ANOTHER: &str = "gusty lantern 47 orbit meadow";

/// Every case.
pub fn cases() -> Vec<Case> {
    vec![
        case!("post /api/auth/password/change" => "user.password_changed", |stage| {
            stage.post("/api/auth/password/change").json(&json!({"current": PASSWORD, "new": ANOTHER}))
        }),
        case!("post /api/auth/password/reset" => "user.password_reset", |stage| {
            let token = link(stage, "password_reset", "active").await;
            stage.api.post("/api/auth/password/reset").json(&json!({"token": token, "password": ANOTHER}))
        }),
        case!("post /api/auth/invitation/accept" => "user.invitation_accepted", |stage| {
            let token = link(stage, "invitation", "invited").await;
            stage.api.post("/api/auth/invitation/accept").json(&json!({"token": token, "password": ANOTHER}))
        }),
        case!("post /api/auth/register" => "user.invitation_accepted", |stage| {
            let token = link(stage, "invitation", "invited").await;
            stage.api.post("/api/auth/register").json(&json!({"token": token, "password": ANOTHER}))
        }),
    ]
}

/// What was mailed to the person, who stands there.
async fn link(stage: &Stage<'_>, purpose: &str, status: &str) -> String {
    let token = SecretToken::new("rna_");
    let client = connect(stage.api.base.database.url()).await;
    let user = stage.user.id.0;
    client.execute("UPDATE users SET status = $2 WHERE id = $1", &[&user, &status]).await.unwrap();
    let mailed = "INSERT INTO account_tokens (token_hash, user_id, purpose, expires_at) \
                  VALUES ($1, $2, $3, now() + interval '10 minutes')";
    client.execute(mailed, &[&token.hash.as_slice(), &user, &purpose]).await.unwrap();
    token.text.expose_secret().to_owned()
}
