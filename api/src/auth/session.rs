//! Opens sessions: the one place where somebody who has shown who they are gets tokens.

use super::{cookie, origin::Origin, principals::Principal, user::User};
use crate::{
    envelope::Success,
    error::{ApiError, ApiResult},
    state::SharedState,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::UserId,
    sign_in::{AccountMail, SecurityEventKind, SignInMethod},
};
use jobs::{
    accounts,
    security::secret_token::{self, SecretToken},
};
use poem::{Request, web::cookie::CookieJar};
use poem_openapi::{ApiResponse, Object, payload::Json};
use schema::{
    AsyncConnection, DbError,
    people::{
        devices,
        security_events::{self, NewEvent},
        sessions::{self, NewSession},
        users,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// What refresh tokens begin with.
pub const REFRESH_PREFIX: &str = "rnr_";
/// What devices' tokens begin with.
const DEVICE_PREFIX: &str = "rnd_";

/// Tokens, and whose they are.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct Session {
    /// To be sent as `Authorization: Bearer …`.
    token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds until the token expires.
    expires_in: i64,
    /// Good for one `POST /api/auth/refresh`; null where the browser keeps it in a cookie.
    refresh_token: Option<String>,
    /// Seconds until the session ends in any case.
    session_expires_in: i64,
    /// To be sent as `X-CSRF-Token` with requests that rest on the cookie; null without one.
    csrf_token: Option<String>,
    /// To be given with the next sign-in from this device, so that strangers' guesses do not slow it down; null where the
    /// browser keeps it in a cookie, or the device is known.
    device_token: Option<String>,
    /// Whose it is.
    user: User,
}

/// What is still to be shown.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct Challenge {
    /// Always true.
    pub mfa_required: bool,
    /// To be given to `POST /api/auth/mfa/verify` with the code.
    pub challenge: String,
    /// Seconds until the challenge expires.
    pub expires_in: i64,
}

/// 200 when they are in, 202 when a second factor is still to be shown.
#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "one a sign-in, and gone at once")]
pub enum Entered {
    /// In.
    #[oai(status = 200)]
    In(Json<Success<Session>>),
    /// The first factor was right; `POST /api/auth/mfa/verify` takes the second.
    #[oai(status = 202)]
    Challenged(Json<Success<Challenge>>),
}

/// From where somebody comes in, and how they keep what they get.
pub struct Entrance<'a> {
    /// The state of the process.
    pub state: &'a SharedState,
    /// The browser's cookies.
    pub jar: &'a CookieJar,
    /// Where the request comes from.
    pub origin: Origin,
    /// Whether the browser keeps tokens in cookies.
    pub in_cookies: bool,
    device: Option<SecretString>,
}

impl<'a> Entrance<'a> {
    /// Of a request; `device` is a device's token that came in its body.
    pub fn of(
        state: &'a SharedState,
        request: &Request,
        jar: &'a CookieJar,
        in_cookies: bool,
        device: Option<String>,
    ) -> Self {
        let device = device.map(SecretString::from).or_else(|| cookie::device(jar));
        Self { state, jar, origin: Origin::of(request), in_cookies, device }
    }

    /// The hash of the device's token, if it has one.
    pub fn device_hash(&self) -> Option<[u8; 32]> {
        self.device.as_ref().map(|token| secret_token::hash(token.expose_secret()))
    }

    /// The device, as its holder knows it: "Chrome on Windows".
    pub fn device_name(&self) -> String {
        device_name(self.origin.user_agent.as_deref())
    }

    /// Opens a session for somebody who has shown all that it takes.
    pub async fn open(&self, user: UserId, method: SignInMethod, with_mfa: bool) -> ApiResult<Session> {
        let state = self.state;
        let now = state.services.clock.now();
        let lifetimes = state.services.security.sessions;
        let refresh = SecretToken::new(REFRESH_PREFIX);
        let session = NewSession {
            id: Uuid::now_v7(),
            user,
            method,
            device_name: self.device_name(),
            user_agent: self.origin.user_agent.clone(),
            address: self.origin.address,
            now,
            idle_until: after(now, lifetimes.idle),
            expires_at: after(now, lifetimes.longest),
            with_mfa,
        };
        let mut connection = state.services.db.get().await?;
        let shown = self.device_hash();
        let known = match &shown {
            Some(hash) => devices::is_known(&mut connection, user, hash).await?,
            None => false,
        };
        let device = (!known).then(|| SecretToken::new(DEVICE_PREFIX));
        let hash = device.as_ref().map(|device| device.hash).or(shown).unwrap_or_default();
        let is_first = !devices::any(&mut connection, user).await?;
        let kind = if known || is_first { SecurityEventKind::SignedIn } else { SecurityEventKind::NewDevice };
        let event = NewEvent {
            at: now,
            user: Some(user),
            kind,
            address: self.origin.address,
            user_agent: self.origin.user_agent.as_deref(),
            details: json!({"method": method, "device": session.device_name, "sessionId": session.id}),
        };
        let told = connection
            .transaction::<_, DbError, _>(async |connection| {
                sessions::begin(connection, &session, &refresh.hash).await?;
                devices::seen(connection, user, &hash, &session.device_name, now).await?;
                users::signed_in(connection, user, now).await?;
                let event = security_events::record(connection, &event).await?;
                match kind {
                    SecurityEventKind::NewDevice => {
                        accounts::notice(connection, now, user, AccountMail::NewDevice, Some(event)).await.map(Some)
                    }
                    _ => Ok(None),
                }
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(told.as_slice()).await;
        let principal = state.principals.find(session.id, self.origin.address).await?.ok_or_else(|| {
            ApiError::forbidden("account_not_active", "the account is not active; ask an administrator")
        })?;
        if let Some(device) = device.as_ref().filter(|_| self.in_cookies) {
            cookie::keep_device(self.jar, &device.text);
        }
        let device = device.filter(|_| !self.in_cookies);
        self.tokens(&principal, session.id, refresh.text, session.expires_at, device).await
    }

    /// The tokens of a session, with its next refresh token.
    pub async fn tokens(
        &self,
        principal: &Principal,
        session: Uuid,
        refresh: SecretString,
        expires_at: DateTime<Utc>,
        device: Option<SecretToken>,
    ) -> ApiResult<Session> {
        let state = self.state;
        let token = state.tokens.issue(principal.user_id, session).await?;
        let left = expires_at - state.services.clock.now();
        let csrf_token = self.in_cookies.then(|| cookie::csrf_token(state, &refresh));
        if self.in_cookies {
            cookie::keep_refresh(self.jar, &refresh, left.to_std().unwrap_or_default());
        }
        Ok(Session {
            token,
            token_type: "Bearer".to_owned(),
            expires_in: state.tokens.lifetime(),
            refresh_token: (!self.in_cookies).then(|| refresh.expose_secret().to_owned()),
            session_expires_in: left.num_seconds().max(0),
            csrf_token,
            device_token: device.map(|device| device.text.expose_secret().to_owned()),
            user: User::from(principal),
        })
    }
}

/// A time that much later.
pub fn after(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// "Chrome on Windows 10", as far as the program tells.
fn device_name(user_agent: Option<&str>) -> String {
    let Some(agent) = user_agent else { return "Unknown device".to_owned() };
    let is_known = |name: &&str| !name.is_empty() && *name != "UNKNOWN";
    let parsed = woothee::parser::Parser::new().parse(agent);
    let program = parsed.as_ref().map(|parsed| parsed.name).filter(is_known);
    let system = parsed.as_ref().map(|parsed| parsed.os).filter(is_known);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        // curl/8.5.0, and what machines call themselves
        _ => agent.split([' ', '/']).next().unwrap_or_default().chars().take(50).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_people_know_them() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/120.0.0.0 Safari/537.36";
        assert_eq!(device_name(Some(chrome)), "Chrome on Windows 10");
        assert_eq!(device_name(Some("renewals-sync/2.1")), "renewals-sync");
        assert_eq!(device_name(None), "Unknown device");
    }
}
