//! The whole flow against a certified OpenID provider (tests/peers/oidc), which keeps to the standard: it tells addresses
//! and groups at its user info endpoint, not in the token.

use crate::browser::{BASE, actions, api, begin, cookie, identities, person, role_of, visit};
use domain::permissions::SystemRole;
use serde_json::json;
use std::{path::Path, process::Stdio};
use tests::http::{Answer, TestApi};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// The provider; it ends with its input, and so with this.
struct Peer {
    issuer: String,
    _process: Child,
}

async fn peer() -> Peer {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let printed = Command::new(root.join("scripts/peers")).output().await.unwrap();
    let folder = String::from_utf8(printed.stdout).unwrap().trim().to_owned();
    assert!(Path::new(&folder).join("ready").exists(), "{folder} is not installed: make setup");
    let mut process = Command::new("node")
        .arg(root.join("tests/peers/oidc/server.mjs"))
        .args([folder, format!("{BASE}/api/auth/oidc/oidc/callback")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let issuer = lines.next_line().await.unwrap().expect("an issuer");
    Peer { issuer, _process: process }
}

/// Somebody signs in at the issuer and comes back.
async fn sign_in(api: &TestApi, account: &str) -> Answer {
    let begun = begin(api, "/cases?page=2").await;
    let mut url = begun.url.clone();
    url.query_pairs_mut().append_pair("login_hint", account);
    let back = visit(url).await;
    begun.back(api, back.query().unwrap()).send().await
}

#[tokio::test]
async fn somebody_comes_in_and_is_known_by_their_verified_address() {
    let peer = peer().await;
    let api = api(&peer.issuer, &[]).await;
    let listed = api.get("/api/auth/oidc/providers").send().await.data(200);
    let offered = json!([{"key": "oidc", "name": "Single sign-on", "startUrl": "/api/auth/oidc/oidc/start"}]);
    assert_eq!(listed["providers"], offered);
    person(&api, SystemRole::Agent, "alice@example.com").await;
    let back = sign_in(&api, "alice").await;
    assert_eq!((back.status.as_u16(), back.header("location").as_str()), (302, "/cases?page=2"), "{back:?}");
    // the page goes on with the cookie
    let kept = cookie(&back, "renewals_refresh");
    let csrf = api.get("/api/auth/csrf").header("cookie", &kept).send().await.data(200);
    let refresh = api.post("/api/auth/refresh").header("cookie", &kept);
    let refresh = refresh.header("x-csrf-token", csrf["csrfToken"].as_str().unwrap()).json(&json!({}));
    let session = refresh.send().await.data(200);
    let me = api.get("/api/auth/me").bearer(session["token"].as_str().unwrap()).send().await.data(200);
    assert_eq!((&me["email"], &me["role"]), (&json!("alice@example.com"), &json!("campaign_manager")));
    assert_eq!(actions(&api).await, ["user.identity_linked", "user.role_changed"]);
    // known from now on, and nothing is linked again
    assert_eq!(sign_in(&api, "alice").await.status.as_u16(), 302);
    assert_eq!((identities(&api).await, actions(&api).await.len()), (1, 2));
}

#[tokio::test]
async fn an_address_that_is_not_verified_links_nothing() {
    let peer = peer().await;
    let api = api(&peer.issuer, &[("OIDC_CREATE_USERS", "true")]).await;
    person(&api, SystemRole::Administrator, "bob@example.com").await;
    sign_in(&api, "bob").await.error(403, "email_not_verified");
    assert_eq!(identities(&api).await, 0);
    // who did not sign in there does not come in here
    sign_in(&api, "nobody").await.error(401, "sign_in_refused");
}

#[tokio::test]
async fn somebody_without_an_account_gets_one_only_where_that_is_configured() {
    let peer = peer().await;
    let closed = api(&peer.issuer, &[]).await;
    sign_in(&closed, "alice").await.error(403, "no_account");
    let open = api(&peer.issuer, &[("OIDC_CREATE_USERS", "true")]).await;
    assert_eq!(sign_in(&open, "alice").await.status.as_u16(), 302);
    assert_eq!(role_of(&open, "alice@example.com").await, "campaign_manager");
    assert_eq!(actions(&open).await, ["user.created", "user.identity_linked"]);
}
