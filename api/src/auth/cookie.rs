//! What browsers keep for us, out of reach of scripts: the refresh token and the device's token.
//!
//! Cookies go to `/api/auth` only, with requests of our own site only (SameSite=Strict). A request that rests on one must
//! show besides that a page of ours made it: `X-CSRF-Token`, which is derived from the refresh token and told to pages
//! that may read our answers, and an `Origin`, if there is one, that is ours or allowed (OWASP CSRF Prevention).

use crate::{error::ApiError, state::SharedState};
use jobs::process::config::derive;
use poem::{
    Request,
    http::{HeaderName, header},
    web::cookie::{Cookie, CookieJar, SameSite},
};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// Holds the refresh token.
const REFRESH: &str = "renewals_refresh";
/// Holds the device's token.
const DEVICE: &str = "renewals_device";
/// Where cookies go.
const PATH: &str = "/api/auth";
/// A device is known for this long.
const DEVICE_AGE: Duration = Duration::from_secs(400 * 24 * 3600);
/// Shows that a page of ours asks.
pub const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

fn cookie(name: &str, value: &str, age: Duration) -> Cookie {
    let mut cookie = Cookie::new_with_str(name, value);
    cookie.set_path(PATH);
    cookie.set_http_only(true);
    // browsers take such cookies from http://localhost as well
    cookie.set_secure(true);
    cookie.set_same_site(SameSite::Strict);
    cookie.set_max_age(age);
    cookie
}

/// Has the browser keep a refresh token.
pub fn keep_refresh(jar: &CookieJar, token: &SecretString, age: Duration) {
    jar.add(cookie(REFRESH, token.expose_secret(), age));
}

/// Has the browser keep its device's token.
pub fn keep_device(jar: &CookieJar, token: &SecretString) {
    jar.add(cookie(DEVICE, token.expose_secret(), DEVICE_AGE));
}

/// Has the browser forget the refresh token.
pub fn drop_refresh(jar: &CookieJar) {
    jar.add(cookie(REFRESH, "", Duration::ZERO));
}

/// The refresh token that the browser keeps.
pub fn refresh(jar: &CookieJar) -> Option<SecretString> {
    text(jar, REFRESH)
}

/// The device's token that the browser keeps.
pub fn device(jar: &CookieJar) -> Option<SecretString> {
    text(jar, DEVICE)
}

fn text(jar: &CookieJar, name: &str) -> Option<SecretString> {
    jar.get(name).map(|cookie| cookie.value_str().to_owned()).filter(|text| !text.is_empty()).map(SecretString::from)
}

/// What a page has to show to use this refresh token.
pub fn csrf_token(state: &SharedState, refresh: &SecretString) -> String {
    let purpose = format!("renewals csrf v1 {}", refresh.expose_secret());
    hex::encode(derive(&state.services.security.secret_key, purpose.as_bytes()))
}

/// 403 unless a page of ours asks.
pub fn demand_own_page(state: &SharedState, request: &Request, refresh: &SecretString) -> Result<(), ApiError> {
    let expected = csrf_token(state, refresh);
    let shown = request.header(CSRF).unwrap_or_default();
    if !bool::from(subtle::ConstantTimeEq::ct_eq(shown.as_bytes(), expected.as_bytes())) {
        let message = "the X-CSRF-Token header must hold the csrfToken of the last answer, or of GET /api/auth/csrf";
        return Err(ApiError::forbidden("csrf_token_invalid", message));
    }
    if !is_own_origin(state, request) {
        return Err(ApiError::forbidden("origin_not_allowed", "pages of this origin may not do this"));
    }
    Ok(())
}

fn is_own_origin(state: &SharedState, request: &Request) -> bool {
    let Some(origin) = request.header(header::ORIGIN) else { return true };
    let host = request.header(header::HOST).unwrap_or_default();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority == Some(host) || state.config.http.cors_allowed_origins.iter().any(|allowed| allowed == origin)
}
