//! The endpoints of single sign-on: who offers it, the way there, the way back.

use super::{arrival, cookie};
use crate::{
    auth::{
        cookie as kept_cookies, mfa,
        session::{Challenge, Entrance, Session, after},
    },
    envelope::{Reply, Success, ok},
    error::{ApiError, ApiResult},
    state::SharedState,
    tags::Tag,
};
use domain::sign_in::{SignInMethod, is_local_path};
use jobs::security::{
    sealing::Place,
    secret_token::{self, SecretToken},
};
use poem::{
    Request,
    http::header,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use providers::oidc::{Arrival, Departure};
use schema::people::oidc_logins::{self, OidcLogin};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The time there is to sign in at the issuer.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Longer paths are not returned to.
const LONGEST_PATH: usize = 500;

/// Single sign-on.
pub struct OidcApi;

/// Who offers a sign-in.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Provider {
    /// What it is called in paths.
    key: String,
    /// What people read.
    name: String,
    /// Where to send the browser.
    start_url: String,
}

/// Who offers a sign-in.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Providers {
    /// In order of configuration; empty: single sign-on is not configured.
    providers: Vec<Provider>,
}

/// Where to go.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Way {
    /// The issuer's page.
    url: String,
}

/// 302 for browsers; 200 for programs, which send `Accept: application/json`.
#[derive(ApiResponse)]
enum Started {
    /// Where to go.
    #[oai(status = 200)]
    Told(Json<Success<Way>>),
    /// To the issuer's page.
    #[oai(status = 302)]
    Sent(#[oai(header = "Location")] String),
}

/// 302 for browsers; 200 or 202 for programs, which send `Accept: application/json`.
#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "one a sign-in, and gone at once")]
enum Returned {
    /// In.
    #[oai(status = 200)]
    In(Json<Success<Session>>),
    /// `POST /api/auth/mfa/verify` takes the second factor.
    #[oai(status = 202)]
    Challenged(Json<Success<Challenge>>),
    /// To the page that was asked for. The refresh token is in a cookie: `GET /api/auth/csrf`, then
    /// `POST /api/auth/refresh`. With `#mfaChallenge=…`, `POST /api/auth/mfa/verify` takes the second factor first.
    #[oai(status = 302)]
    Sent(#[oai(header = "Location")] String),
}

#[OpenApi(prefix_path = "/api/auth/oidc", tag = "Tag::Auth")]
impl OidcApi {
    /// Who offers single sign-on
    #[oai(path = "/providers", method = "get")]
    async fn providers(&self, state: Data<&SharedState>) -> ApiResult<Reply<Providers>> {
        let providers = state.single_sign_on.settings.providers.iter().map(|provider| Provider {
            key: provider.key.to_owned(),
            name: provider.name.clone(),
            start_url: format!("/api/auth/oidc/{}/start", provider.key),
        });
        ok(Providers { providers: providers.collect() })
    }

    /// Sign in through another service
    ///
    /// A link for browsers: it leads to the service's page, and from there back to `returnTo`.
    #[oai(path = "/:provider/start", method = "get")]
    async fn start(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        provider: Path<String>,
        /// The page to end on, of this site only: `/…`.
        #[oai(name = "returnTo")]
        return_to: Query<Option<String>>,
    ) -> ApiResult<Started> {
        let client = state.single_sign_on.client(&provider)?;
        if return_to.as_deref().is_some_and(|path| path.len() > LONGEST_PATH || !is_local_path(path)) {
            return Err(ApiError::invalid("returnTo", "must be a path of this site, such as /cases"));
        }
        let services = &state.services;
        let now = services.clock.now();
        let [way, nonce, verifier, browser] = [(); 4].map(|()| SecretToken::new(""));
        let redirect = state.single_sign_on.redirect(client.config.key)?;
        let departure = Departure {
            state: way.text.expose_secret(),
            nonce: nonce.text.expose_secret(),
            verifier: &verifier.text,
            redirect: &redirect,
        };
        let url = client.depart(&departure, now).await?;
        let row = hex::encode(way.hash);
        let sealed = services.security.key_ring.seal(&place(&row), &verifier.text).map_err(ApiError::internal)?;
        let login = OidcLogin {
            state_hash: way.hash.to_vec(),
            provider: client.config.key.to_owned(),
            nonce: nonce.text.expose_secret().to_owned(),
            verifier: sealed,
            browser_hash: browser.hash.to_vec(),
            return_to: return_to.0,
            created_at: now,
            expires_at: after(now, LIFETIME),
        };
        oidc_logins::begin(&mut *services.db.get().await?, &login).await?;
        let kept = cookie::Kept { browser: browser.text, device: kept_cookies::device(jar) };
        cookie::keep(jar, &kept, LIFETIME);
        if wants_json(request) {
            return Ok(Started::Told(Json(Success { success: true, data: Way { url: url.into() } })));
        }
        Ok(Started::Sent(url.into()))
    }

    /// Come back from another service's sign-in
    ///
    /// Where the service sends the browser.
    #[oai(path = "/:provider/callback", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "what an issuer may send")]
    async fn callback(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        provider: Path<String>,
        /// Good for one token.
        code: Query<Option<String>>,
        /// What the start sent along.
        #[oai(name = "state")]
        shown: Query<Option<String>>,
        /// Why there is no code.
        error: Query<Option<String>>,
    ) -> ApiResult<Returned> {
        let client = state.single_sign_on.client(&provider)?;
        let shown = shown.0.ok_or_else(|| ApiError::invalid("state", "is required"))?;
        let (services, hash) = (&state.services, secret_token::hash(&shown));
        let now = services.clock.now();
        let mut connection = services.db.get().await?;
        let login = oidc_logins::take(&mut connection, &hash, now).await?;
        drop(connection);
        let login = login.filter(|login| login.provider == client.config.key).ok_or_else(|| {
            ApiError::unauthenticated("sign_in_over", "the sign-in has expired, or was answered before; begin again")
        })?;
        let kept = cookie::kept(jar);
        cookie::drop(jar);
        let kept = kept.filter(|kept| secret_token::hash(kept.browser.expose_secret())[..] == login.browser_hash[..]);
        let kept = kept.ok_or_else(|| {
            ApiError::unauthenticated("other_browser", "the sign-in was begun in another browser; begin again here")
        })?;
        let Some(code) = code.0.filter(|_| error.is_none()) else {
            return Err(ApiError::unauthenticated("sign_in_refused", "the service did not sign you in; begin again"));
        };
        let row = hex::encode(hash);
        let verifier: SecretString =
            services.security.key_ring.open(&place(&row), &login.verifier).map_err(ApiError::internal)?;
        let redirect = state.single_sign_on.redirect(client.config.key)?;
        let arrival = Arrival { code: &code, nonce: &login.nonce, verifier: &verifier, redirect: &redirect };
        let identity = client.arrive(&arrival, now).await?;
        let device = kept.device.map(|device| device.expose_secret().to_owned());
        let entrance = Entrance::of(&state, request, jar, true, device);
        let guest = arrival::account(&entrance, &identity).await?;
        let back = login.return_to.unwrap_or_else(|| "/".to_owned());
        if guest.mfa_enabled && !identity.with_mfa {
            let challenge = mfa::challenge(&entrance, guest.user(), SignInMethod::Oidc).await?;
            if wants_json(request) {
                return Ok(Returned::Challenged(Json(Success { success: true, data: challenge })));
            }
            // behind the hash it goes to no server and into no log
            let page = back.split('#').next().unwrap_or_default();
            return Ok(Returned::Sent(format!("{page}#mfaChallenge={}", challenge.challenge)));
        }
        let session = entrance.open(guest.user(), SignInMethod::Oidc, identity.with_mfa).await?;
        if wants_json(request) {
            return Ok(Returned::In(Json(Success { success: true, data: session })));
        }
        Ok(Returned::Sent(back))
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "oidc_logins", column: "verifier", row }
}

fn wants_json(request: &Request) -> bool {
    request.header(header::ACCEPT).is_some_and(|accept| accept.trim().starts_with("application/json"))
}
