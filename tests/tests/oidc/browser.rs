//! A browser on its way to an issuer and back.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::permissions::SystemRole;
use reqwest::Url;
use schema::tables::{audit_log, roles, user_identities, users};
use std::collections::HashMap;
use tests::http::{Answer, Call, TestApi, TestUser};

/// What browsers know the API by.
pub const BASE: &str = "https://renewals.example";
/// Our secret at the issuer; it has to be encoded on its way.
pub const SECRET: &str = "a secret: of the client";

/// The API with that issuer.
pub async fn api(issuer: &str, more: &[(&str, &str)]) -> TestApi {
    let own = [
        ("OIDC_ISSUER", issuer),
        ("OIDC_CLIENT_ID", "renewals"),
        ("OIDC_CLIENT_SECRET", SECRET),
        ("OIDC_REDIRECT_URL", BASE),
        ("OIDC_ROLE_MAP", "senders=campaign_manager, handlers=claims_handler, ghosts=no_such_role"),
    ];
    TestApi::with(&[&own, more].concat()).await
}

/// A sign-in that was begun.
pub struct Begun {
    /// Where the browser is sent.
    pub url: Url,
    /// What it keeps.
    pub cookie: String,
}

impl Begun {
    /// Of its address.
    pub fn parameter(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.url)).1.into_owned()
    }

    /// The browser comes back with that.
    pub fn back(&self, api: &TestApi, query: &str) -> Call {
        api.get(&format!("/api/auth/oidc/oidc/callback?{query}")).header("cookie", &self.cookie)
    }

    /// The browser comes back with a code.
    pub fn with_code(&self, api: &TestApi) -> Call {
        self.back(api, &format!("code=good&state={}", self.parameter("state")))
    }
}

/// A click on the link.
pub async fn begin(api: &TestApi, return_to: &str) -> Begun {
    let answer = api.get(&format!("/api/auth/oidc/oidc/start?returnTo={return_to}")).send().await;
    assert_eq!(answer.status.as_u16(), 302, "{answer:?}");
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("Secure") && set.contains("SameSite=Lax"), "{set}");
    Begun { url: answer.header("location").parse().unwrap(), cookie: cookie(&answer, "renewals_oidc") }
}

/// A cookie that an answer sets, as it is sent back.
pub fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.header("set-cookie");
    let from = set.find(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in {set}"));
    set[from..].split(';').next().unwrap().to_owned()
}

/// Follows the issuer's redirects until one leads back to us.
pub async fn visit(mut url: Url) -> Url {
    let client = providers::http::client(std::time::Duration::from_secs(10), true).unwrap();
    let mut cookies = HashMap::new();
    for _ in 0..10 {
        let kept: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = client.get(url.clone()).header("cookie", kept.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let next = answer.headers().get("location").map(|next| next.to_str().unwrap().to_owned());
        let Some(next) = next else { panic!("{} {}", answer.status(), answer.text().await.unwrap()) };
        url = url.join(&next).unwrap();
        if url.as_str().starts_with(BASE) {
            return url;
        }
    }
    panic!("still at {url}");
}

/// Somebody with that address.
pub async fn person(api: &TestApi, role: SystemRole, email: &str) -> TestUser {
    let user = api.user(role).await;
    let row = diesel::update(users::table.find(user.id.0));
    row.set(users::email.eq(email)).execute(&mut *api.connection().await).await.unwrap();
    TestUser { email: email.to_owned(), ..user }
}

/// The role that somebody has.
pub async fn role_of(api: &TestApi, email: &str) -> String {
    let role = users::table.inner_join(roles::table).filter(users::email.eq(email)).select(roles::name);
    role.first(&mut *api.connection().await).await.unwrap()
}

/// How many identities are linked.
pub async fn identities(api: &TestApi) -> i64 {
    user_identities::table.count().get_result(&mut *api.connection().await).await.unwrap()
}

/// What the audit log says, in order.
pub async fn actions(api: &TestApi) -> Vec<String> {
    let all = audit_log::table.order(audit_log::id).select(audit_log::action);
    all.load(&mut *api.connection().await).await.unwrap()
}
