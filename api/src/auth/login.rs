//! Signing in, staying in and signing out.
//!
//! A wrong password and an address nobody has are answered alike, after the same work.

use super::{
    attempts::Caller,
    cookie,
    guard::SignedIn,
    origin::Origin,
    session::{Entered, Entrance, REFRESH_PREFIX, Session, after},
    user::User,
};
use crate::{
    envelope::{Reply, Success, ok},
    error::{ApiError, ApiResult},
    people::me::{self, Avatar, ImageBody, OwnChange, UserAccount},
    request::{JsonBody, StrictBody},
    state::SharedState,
    tags::Tag,
};
use domain::{
    ids::UserId,
    sign_in::{AccountMail, SecurityEventKind, SessionEnd, SignInMethod},
};
use jobs::{
    accounts,
    security::secret_token::{self, SecretToken},
};
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{Object, OpenApi, payload::Json};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
    people::{
        devices, passwords,
        security_events::{self, NewEvent},
        sessions::{self, Refreshed, Seen},
        users::{self, Credentials},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Signing in.
pub struct AuthApi;

/// Who wants to sign in.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Login {
    /// The address the account is kept under; case does not matter.
    #[oai(validator(min_length = 3, max_length = 255))]
    email: String,
    /// The password.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
    /// For browsers: keep the refresh token in a cookie that scripts cannot read, instead of the answer.
    #[oai(default)]
    cookie: bool,
    /// The `deviceToken` of an earlier sign-in on this device.
    #[oai(validator(max_length = 100))]
    device_token: Option<String>,
}

/// What a session goes on with.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Refresh {
    /// The refresh token; left out where the browser keeps it in a cookie.
    #[oai(validator(max_length = 100))]
    refresh_token: Option<String>,
}

/// What a page has to show.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Csrf {
    /// To be sent as `X-CSRF-Token`.
    csrf_token: String,
}

/// Nothing more to tell.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SignedOut {
    /// Always true.
    signed_out: bool,
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Auth")]
impl AuthApi {
    /// Sign in
    ///
    /// After some failures each further attempt has to wait: 429 with Retry-After.
    #[oai(path = "/login", method = "post")]
    async fn login(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Login>,
    ) -> ApiResult<Entered> {
        let Login { email, password, cookie, device_token } = body.0;
        let entrance = Entrance::of(&state, request, jar, cookie, device_token);
        let credentials = check(&entrance, &email.trim().to_lowercase(), password.into()).await?;
        super::mfa::enter(&entrance, credentials.user(), SignInMethod::Password, credentials.mfa_enabled).await
    }

    /// Go on with a session
    ///
    /// Takes a refresh token for a new one and a new access token. A refresh token counts once: shown again, it ends its
    /// session (401 `token_reused`), since two parties hold it then.
    #[oai(path = "/refresh", method = "post")]
    async fn refresh(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Refresh>,
    ) -> ApiResult<Reply<Session>> {
        let (shown, in_cookies) = shown(&state, request, jar, body.0.refresh_token)?;
        let entrance = Entrance::of(&state, request, jar, in_cookies, None);
        let next = SecretToken::new(REFRESH_PREFIX);
        let now = state.services.clock.now();
        let idle_until = after(now, state.services.security.sessions.idle);
        let seen = Seen { now, idle_until, address: entrance.origin.address };
        let hash = secret_token::hash(shown.expose_secret());
        let mut connection = state.services.db.get().await?;
        let (refreshed, told) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let refreshed = sessions::refresh(connection, &hash, &next.hash, &seen).await?;
                let mut told = None;
                if let Refreshed::Reused { session, user } = &refreshed {
                    let details = json!({"sessionId": session});
                    let kind = SecurityEventKind::TokenReused;
                    let event = tell(connection, &entrance.origin, *user, kind, now, details).await?;
                    told = Some(accounts::notice(connection, now, *user, AccountMail::TokenReused, Some(event)).await?);
                }
                Ok((refreshed, told))
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(told.as_slice()).await;
        match refreshed {
            Refreshed::Renewed { session, expires_at, .. } => {
                let principal = state.principals.find(session, entrance.origin.address).await?;
                let principal = principal.ok_or_else(|| session_over(jar))?;
                ok(entrance.tokens(&principal, session, next.text, expires_at, None).await?)
            }
            Refreshed::Reused { session, .. } => {
                state.principals.forget(session);
                cookie::drop_refresh(jar);
                let message = "the refresh token was used before: the session has ended, sign in again";
                Err(ApiError::unauthenticated("token_reused", message))
            }
            Refreshed::Unknown => Err(session_over(jar)),
        }
    }

    /// What a page has to show
    ///
    /// For pages that were loaded again and rest on the cookie.
    #[oai(path = "/csrf", method = "get")]
    async fn csrf(&self, state: Data<&SharedState>, jar: &CookieJar) -> ApiResult<Reply<Csrf>> {
        let refresh = cookie::refresh(jar).ok_or_else(no_refresh_token)?;
        ok(Csrf { csrf_token: cookie::csrf_token(&state, &refresh) })
    }

    /// Sign out
    ///
    /// Ends the session: neither its tokens nor its refresh token count any more, within a second everywhere.
    #[oai(path = "/logout", method = "post")]
    async fn logout(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        jar: &CookieJar,
    ) -> ApiResult<Reply<SignedOut>> {
        if let Some(session) = caller.session() {
            let now = state.services.clock.now();
            let mut connection = state.services.db.get().await?;
            connection
                .transaction::<_, DbError, _>(async |connection| {
                    sessions::end(connection, session, SessionEnd::SignedOut, now).await?;
                    let entity = Entity::named("session", session.to_string());
                    let entry = caller.entry("session.ended", entity).after(json!({"reason": "signed_out"}));
                    audit::record(connection, &[entry]).await
                })
                .await?;
            state.principals.forget(session);
        }
        cookie::drop_refresh(jar);
        ok(SignedOut { signed_out: true })
    }

    /// Who am I
    #[oai(path = "/me", method = "get")]
    async fn me(&self, caller: SignedIn) -> ApiResult<Reply<User>> {
        ok(User::from(&*caller))
    }

    /// Change what I say about myself
    #[oai(path = "/me", method = "patch")]
    async fn change_me(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        body: StrictBody<OwnChange>,
    ) -> ApiResult<Reply<UserAccount>> {
        ok(me::change(&state, &caller, body.0).await?)
    }

    /// Keep my picture
    ///
    /// A PNG, a JPEG or a WebP file of 1 MiB at most.
    #[oai(path = "/me/avatar", method = "put")]
    async fn change_my_avatar(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        body: ImageBody,
    ) -> ApiResult<Reply<Avatar>> {
        ok(me::keep_avatar(&state, &caller, caller.user_id, &body).await?)
    }
}

/// The refresh token that was shown, and whether the browser keeps it.
fn shown(
    state: &SharedState,
    request: &Request,
    jar: &CookieJar,
    given: Option<String>,
) -> ApiResult<(SecretString, bool)> {
    if let Some(given) = given {
        return Ok((given.into(), false));
    }
    let kept = cookie::refresh(jar).ok_or_else(no_refresh_token)?;
    cookie::demand_own_page(state, request, &kept)?;
    Ok((kept, true))
}

fn no_refresh_token() -> ApiError {
    ApiError::unauthenticated("missing_token", "a refresh token is needed, in the body or in the cookie")
}

fn session_over(jar: &CookieJar) -> ApiError {
    cookie::drop_refresh(jar);
    ApiError::unauthenticated("session_ended", "the session has ended; sign in again")
}

/// The user whose address and password these are.
async fn check(entrance: &Entrance<'_>, email: &str, given: SecretString) -> ApiResult<Credentials> {
    let state = entrance.state;
    let device = entrance.device_hash();
    // the connection is given back before the password is hashed, which takes its time
    let mut connection = state.services.db.get().await?;
    let credentials = users::credentials(&mut connection, email).await?;
    let user = credentials.as_ref().map(Credentials::user);
    let known = match &device {
        // asked for nobody as well: an account that is there must not take longer
        Some(hash) => devices::is_known(&mut connection, user.unwrap_or(UserId(0)), hash).await?,
        None => false,
    };
    drop(connection);
    let caller = device.as_ref().filter(|_| known).map_or(Caller::Stranger, Caller::Known);
    let attempt = state.attempts.begin(email, entrance.origin.address, caller).await?;
    let stored = credentials.as_ref().and_then(|credentials| credentials.password_hash.as_deref());
    let hashing = &state.services.security.hashing;
    let right = hashing.verify(&given, stored).await.map_err(ApiError::internal)?;
    let Some(credentials) = credentials.filter(|_| right) else {
        failed(entrance, user, attempt.closes).await?;
        return Err(ApiError::unauthenticated("invalid_credentials", "the address or the password is wrong"));
    };
    state.attempts.succeeded(&attempt).await?;
    if !credentials.is_active() {
        let message = "the account is not active; ask an administrator";
        return Err(ApiError::forbidden("account_not_active", message));
    }
    if let Some(stored) = credentials.password_hash.as_deref().filter(|stored| hashing.is_outdated(stored))
        && let Err(error) = rehashed(state, &credentials, &given, stored).await
    {
        // the old one still counts, and is replaced another time
        tracing::warn!(error = &error as &dyn std::error::Error, "a password could not be hashed anew");
    }
    Ok(credentials)
}

/// Notes a wrong password; if it closes the account to strangers, its holder is told.
async fn failed(entrance: &Entrance<'_>, user: Option<UserId>, closes: bool) -> ApiResult<()> {
    let state = entrance.state;
    let kind = if closes { SecurityEventKind::Locked } else { SecurityEventKind::SignInFailed };
    let now = state.services.clock.now();
    let event = NewEvent { user, ..event(&entrance.origin, kind, now, json!({"means": "password"})) };
    let mut connection = state.services.db.get().await?;
    let told = connection
        .transaction::<_, DbError, _>(async |connection| {
            let event = security_events::record(connection, &event).await?;
            match user.filter(|_| closes) {
                Some(user) => accounts::notice(connection, now, user, AccountMail::Locked, Some(event)).await.map(Some),
                None => Ok(None),
            }
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(told.as_slice()).await;
    Ok(())
}

/// Has a password kept as it would be hashed today.
async fn rehashed(state: &SharedState, credentials: &Credentials, given: &SecretString, stored: &str) -> ApiResult<()> {
    let hash = state.services.security.hashing.hash(given).await.map_err(ApiError::internal)?;
    let mut connection = state.services.db.get().await?;
    Ok(passwords::rehash(&mut connection, credentials.user(), stored, &hash).await?)
}

fn event(
    origin: &Origin,
    kind: SecurityEventKind,
    at: chrono::DateTime<chrono::Utc>,
    details: serde_json::Value,
) -> NewEvent<'_> {
    let user_agent = origin.user_agent.as_deref();
    NewEvent { at, user: None, kind, address: origin.address, user_agent, details }
}

/// Notes what happened to somebody's account.
pub(crate) async fn tell(
    connection: &mut schema::AsyncPgConnection,
    origin: &Origin,
    user: UserId,
    kind: SecurityEventKind,
    at: chrono::DateTime<chrono::Utc>,
    details: serde_json::Value,
) -> Result<i64, DbError> {
    let event = NewEvent { user: Some(user), ..event(origin, kind, at, details) };
    security_events::record(connection, &event).await
}

/// A session as an answer.
pub(super) fn entered(session: Session) -> Entered {
    Entered::In(Json(Success { success: true, data: session }))
}
