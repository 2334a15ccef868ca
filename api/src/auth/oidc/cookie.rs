//! Ties a sign-in that is under way to the browser that began it.
//!
//! The answer comes from the issuer's pages, with which browsers send no cookie that is `SameSite=Strict`. So this one is
//! `Lax`, lives for minutes, and takes the device's token along, which would stay behind.

use poem::web::cookie::{Cookie, CookieJar, SameSite};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

const NAME: &str = "renewals_oidc";
const PATH: &str = "/api/auth/oidc";

/// What a browser keeps meanwhile.
pub struct Kept {
    /// Ties it to the sign-in.
    pub browser: SecretString,
    /// The device's token.
    pub device: Option<SecretString>,
}

/// Has the browser keep it.
pub fn keep(jar: &CookieJar, kept: &Kept, age: Duration) {
    let device = kept.device.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    jar.add(cookie(&format!("{}.{device}", kept.browser.expose_secret()), age));
}

/// What the browser kept.
pub fn kept(jar: &CookieJar) -> Option<Kept> {
    let cookie = jar.get(NAME)?;
    let (browser, device) = cookie.value_str().split_once('.')?;
    let device = (!device.is_empty()).then(|| device.to_owned().into());
    (!browser.is_empty()).then(|| Kept { browser: browser.to_owned().into(), device })
}

/// Has the browser forget it.
pub fn drop(jar: &CookieJar) {
    jar.add(cookie("", Duration::ZERO));
}

fn cookie(value: &str, age: Duration) -> Cookie {
    let mut cookie = Cookie::new_with_str(NAME, value);
    cookie.set_path(PATH);
    cookie.set_http_only(true);
    cookie.set_secure(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(age);
    cookie
}
