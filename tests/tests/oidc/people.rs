//! Whose account it is, and what it takes besides.

use crate::{
    browser::{Begun, api, begin, identities, person, role_of},
    issuer::{Issuer, Key},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::permissions::SystemRole;
use schema::{people::users, tables};
use serde_json::{Value, json};
use tests::http::{Answer, TestApi};

struct Ground {
    key: Key,
    issuer: Issuer,
    api: TestApi,
}

impl Ground {
    async fn new() -> Self {
        let key = Key::new("one");
        let issuer = Issuer::new(&key).await;
        let api = api(&issuer.address, &[]).await;
        Self { key, issuer, api }
    }

    async fn begin(&self, return_to: &str, change: Value) -> Begun {
        let begun = begin(&self.api, return_to).await;
        let now = self.api.state.services.clock.now().timestamp();
        let mut claims = self.issuer.claims(&begun.parameter("nonce"), now);
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.issuer.says.lock().unwrap().token = self.key.sign(&claims);
        begun
    }

    /// Comes in as a program, with these claims.
    async fn sign_in(&self, change: Value) -> Answer {
        let begun = self.begin("/", change).await;
        begun.with_code(&self.api).header("accept", "application/json").send().await
    }
}

#[tokio::test]
async fn the_identity_is_what_counts_once_it_is_linked() {
    let ground = Ground::new().await;
    person(&ground.api, SystemRole::Agent, "alice@example.com").await;
    person(&ground.api, SystemRole::Administrator, "root@example.com").await;
    ground.sign_in(json!({})).await.data(200);
    // the same person with another's address stays who they are
    let session = ground.sign_in(json!({"email": "root@example.com"})).await.data(200);
    assert_eq!(session["user"]["email"], "alice@example.com");
    ground
        .sign_in(json!({"sub": "subject-2", "email": "root@example.com", "email_verified": false}))
        .await
        .error(403, "email_not_verified");
    ground.sign_in(json!({"sub": "subject-2", "email": "nobody@example.com"})).await.error(403, "no_account");
    assert_eq!(identities(&ground.api).await, 1);
}

#[tokio::test]
async fn whoever_is_suspended_stays_out() {
    let ground = Ground::new().await;
    let user = person(&ground.api, SystemRole::Agent, "alice@example.com").await;
    let active = async |active| users::set_active(&mut *ground.api.connection().await, user.id, active).await.unwrap();
    active(false).await;
    ground.sign_in(json!({})).await.error(403, "account_not_active");
    assert_eq!(identities(&ground.api).await, 0);
    active(true).await;
    ground.sign_in(json!({})).await.data(200);
    active(false).await;
    ground.sign_in(json!({})).await.error(403, "account_not_active");
}

#[tokio::test]
async fn groups_give_the_roles_that_the_map_names() {
    let ground = Ground::new().await;
    person(&ground.api, SystemRole::Agent, "alice@example.com").await;
    for (groups, role) in [
        (json!(["staff", "administrator", "ghosts"]), "agent"),
        (json!(["handlers", "senders"]), "campaign_manager"),
        (json!("handlers"), "claims_handler"),
        (json!([]), "claims_handler"),
    ] {
        ground.sign_in(json!({"groups": groups})).await.data(200);
        assert_eq!(role_of(&ground.api, "alice@example.com").await, role, "{groups}");
    }
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role() {
    let ground = Ground::new().await;
    person(&ground.api, SystemRole::Administrator, "alice@example.com").await;
    ground.sign_in(json!({"groups": ["senders"]})).await.data(200);
    assert_eq!(role_of(&ground.api, "alice@example.com").await, "administrator");
    person(&ground.api, SystemRole::Administrator, "root@example.com").await;
    ground.sign_in(json!({"groups": ["senders"]})).await.data(200);
    assert_eq!(role_of(&ground.api, "alice@example.com").await, "campaign_manager");
}

#[tokio::test]
async fn a_second_factor_here_is_asked_for_unless_one_was_shown_there() {
    let ground = Ground::new().await;
    let user = person(&ground.api, SystemRole::Agent, "alice@example.com").await;
    let row = diesel::update(tables::users::table.find(user.id.0));
    row.set(tables::users::mfa_enabled.eq(true)).execute(&mut *ground.api.connection().await).await.unwrap();
    let challenged = ground.sign_in(json!({"amr": ["pwd"]})).await.data(202);
    assert_eq!(challenged["mfaRequired"], true);
    let begun = ground.begin("/cases#list", json!({})).await;
    let back = begun.with_code(&ground.api).send().await;
    assert_eq!(back.status.as_u16(), 302);
    assert!(back.header("location").starts_with("/cases#mfaChallenge=rnc_"), "{back:?}");
    assert!(!back.header("set-cookie").contains("renewals_refresh"));
    let session = ground.sign_in(json!({"amr": ["pwd", "mfa"]})).await.data(200);
    assert_eq!(session["user"]["mfaEnabled"], true);
}
