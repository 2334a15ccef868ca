//! Passwords of people who have an account: forgotten ones and changed ones.
//!
//! Whether an address has an account is told to its mailbox only: whoever asks gets the same answer, after the same
//! work, in either case.

use super::{attempts::Caller, cookie, guard::SignedIn, login::tell, origin::Origin};
use crate::{
    envelope::{Accepted, Reply, accepted, ok},
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
};
use domain::{
    contact::Email,
    ids::UserId,
    password::Person,
    sign_in::{AccountMail, AccountTokenPurpose, SecurityEventKind, SessionEnd},
};
use jobs::{
    NewJob, Priority, accounts,
    kinds::look_up_password_reset::LookUpPasswordReset,
    queue::ledger,
    security::{choice::ChoiceError, secret_token},
};
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{Object, OpenApi};
use schema::{
    AsyncConnection,
    audit::{self, Actor, Entity, Entry},
    people::{account_tokens, devices, holders, holders::Holder, joining, passwords, sessions},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Passwords.
pub struct PasswordsApi;

/// Whose password is forgotten.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ForgottenPassword {
    /// The address the account is kept under; case does not matter.
    #[oai(validator(min_length = 3, max_length = 255))]
    email: String,
}

/// Nothing more to tell.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Asked {
    /// Always true: whether there was a mail to send, only the mailbox tells.
    pub asked: bool,
}

/// Another password, by a link that was mailed.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Reset {
    /// What the link holds behind `#token=`.
    #[oai(validator(min_length = 1, max_length = 100))]
    token: String,
    /// The new password: at least 12 characters, and not easy to guess.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
}

/// Another password, by whoever knows the present one.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Change {
    /// The present password.
    #[oai(validator(min_length = 1, max_length = 1024))]
    current: String,
    /// The new password: at least 12 characters, and not easy to guess.
    #[oai(validator(min_length = 1, max_length = 1024))]
    new: String,
}

/// The password was changed.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Changed {
    /// Always true.
    changed: bool,
    /// How many sessions were ended.
    sessions_ended: u64,
}

#[OpenApi(prefix_path = "/api/auth/password", tag = "Tag::Auth")]
impl PasswordsApi {
    /// Ask for a new password
    ///
    /// A link to choose one is mailed to the address if it has an account; the answer is the same if not.
    #[oai(path = "/forgot", method = "post")]
    async fn forgot(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: JsonBody<ForgottenPassword>,
    ) -> ApiResult<Accepted<Asked>> {
        let email = address(&body.0.email)?;
        let origin = Origin::of(request);
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let enqueued = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let request_id = joining::ask_for_reset(connection, &email, origin.address, now).await?;
                let job = NewJob::of(&LookUpPasswordReset { request_id }).map_err(ApiError::internal)?;
                Ok(ledger::enqueue(connection, now, &[job.priority(Priority::High)]).await?)
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(&enqueued).await;
        accepted(Asked { asked: true })
    }

    /// Choose a new password
    ///
    /// With the token of a link that was mailed; it counts once. All devices are signed out.
    #[oai(path = "/reset", method = "post")]
    async fn reset(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: JsonBody<Reset>,
    ) -> ApiResult<Reply<Changed>> {
        let origin = Origin::of(request);
        let token = secret_token::hash(&body.0.token);
        let (holder, earlier) = by_token(&state, &token, AccountTokenPurpose::PasswordReset).await?;
        if !holder.is_active() {
            return Err(link_over());
        }
        let password_hash = choose(&state, &body.0.password.into(), &person(&holder), earlier, "password").await?;
        let (user, now) = (holder.user(), state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        let (ended, notice) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let expected = holder.password_hash.as_deref();
                if !account_tokens::take(connection, &token, now).await?
                    || !passwords::change(connection, user, expected, &password_hash, now).await?
                {
                    return Err(link_over());
                }
                let ended = sessions::end_all(connection, user, None, SessionEnd::PasswordChanged, now).await?;
                devices::forget_others(connection, user, None).await?;
                let details = json!({"means": "link"});
                let event = tell(connection, &origin, user, SecurityEventKind::PasswordChanged, now, details).await?;
                let notice = accounts::notice(connection, now, user, AccountMail::PasswordChanged, Some(event)).await?;
                let actor = Actor { user: Some(user), ..origin.anonymous() };
                let entity = Entity::of(user);
                let entry = Entry { actor, action: "user.password_reset", entity, before: None, after: None };
                audit::record(connection, &[entry]).await?;
                Ok((ended, notice))
            })
            .await?;
        drop(connection);
        state.services.dispatcher.push(&[notice]).await;
        // whoever reads the mailbox need not wait for strangers' guesses to be forgotten
        if let Err(error) = state.attempts.unlock(&holder.email).await {
            tracing::warn!(%error, "failed attempts could not be forgotten");
        }
        ok(Changed { changed: true, sessions_ended: u64::try_from(ended).unwrap_or(u64::MAX) })
    }

    /// Change my password
    ///
    /// Takes the present one. All other sessions are ended.
    #[oai(path = "/change", method = "post")]
    async fn change(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        jar: &CookieJar,
        body: JsonBody<Change>,
    ) -> ApiResult<Reply<Changed>> {
        let session = caller.demand_person()?;
        let Change { current, new } = body.0;
        let (user, now) = (caller.user_id, state.services.clock.now());
        let mut connection = state.services.db.get().await?;
        let holder = holders::by_id(&mut connection, user).await?.ok_or_else(|| ApiError::not_found("user"))?;
        let earlier = passwords::earlier(&mut connection, user).await?;
        drop(connection);
        if holder.password_hash.is_none() {
            let message = "the account has no password yet; POST /api/auth/password/forgot has a link mailed";
            return Err(ApiError::conflict("no_password", message));
        }
        prove(&state, &caller, session, &holder, current.into()).await?;
        let password_hash = choose(&state, &new.into(), &person(&holder), earlier, "new").await?;
        let kept = cookie::device(jar).map(|device| secret_token::hash(device.expose_secret()));
        let mut connection = state.services.db.get().await?;
        let (ended, notice) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let expected = holder.password_hash.as_deref();
                if !passwords::change(connection, user, expected, &password_hash, now).await? {
                    return Err(ApiError::conflict(
                        "changed_meanwhile",
                        "the password has just been changed elsewhere",
                    ));
                }
                let why = SessionEnd::PasswordChanged;
                let ended = sessions::end_all(connection, user, Some(session), why, now).await?;
                sessions::confirm(connection, session, false, now).await?;
                devices::forget_others(connection, user, kept.as_ref()).await?;
                let details = json!({"means": "password"});
                let kind = SecurityEventKind::PasswordChanged;
                let event = tell(connection, &caller.origin, user, kind, now, details).await?;
                let notice = accounts::notice(connection, now, user, AccountMail::PasswordChanged, Some(event)).await?;
                audit::record(connection, &[caller.entry("user.password_changed", Entity::of(user))]).await?;
                Ok((ended, notice))
            })
            .await?;
        drop(connection);
        state.principals.forget(session);
        state.services.dispatcher.push(&[notice]).await;
        ok(Changed { changed: true, sessions_ended: u64::try_from(ended).unwrap_or(u64::MAX) })
    }
}

/// 403 unless the present password was given. Guesses are slowed down: an open browser is not to tell it.
async fn prove(
    state: &SharedState,
    caller: &SignedIn,
    session: Uuid,
    holder: &Holder,
    given: SecretString,
) -> ApiResult<()> {
    let device: [u8; 32] = Sha256::digest(session.as_bytes()).into();
    let attempt = state.attempts.begin(&holder.email, caller.origin.address, Caller::Known(&device)).await?;
    let hashing = &state.services.security.hashing;
    let right = hashing.verify(&given, holder.password_hash.as_deref()).await.map_err(ApiError::internal)?;
    if right {
        return state.attempts.succeeded(&attempt).await;
    }
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let details = json!({"means": "password", "for": "password_change"});
    tell(&mut connection, &caller.origin, holder.user(), SecurityEventKind::SignInFailed, now, details).await?;
    Err(ApiError::forbidden("wrong_password", "the present password is another"))
}

/// Whom a link was mailed to, and the passwords they may not choose again.
pub(super) async fn by_token(
    state: &SharedState,
    token: &[u8; 32],
    purpose: AccountTokenPurpose,
) -> ApiResult<(Holder, Vec<String>)> {
    let now = state.services.clock.now();
    let mut connection = state.services.db.get().await?;
    let user: Option<UserId> = account_tokens::holder(&mut connection, token, purpose, now).await?;
    let user = user.ok_or_else(link_over)?;
    let holder = holders::by_id(&mut connection, user).await?.ok_or_else(link_over)?;
    let earlier = passwords::earlier(&mut connection, user).await?;
    Ok((holder, earlier))
}

/// The hash of a password that somebody chooses, or what is wrong with it.
pub(super) async fn choose(
    state: &SharedState,
    password: &SecretString,
    person: &Person<'_>,
    earlier: Vec<String>,
    field: &str,
) -> ApiResult<String> {
    let chosen = state.services.security.hashing.choose(password, person, earlier).await;
    chosen.map_err(|error| match error {
        ChoiceError::Weak(weakness) => ApiError::invalid(field, weakness.to_string()),
        ChoiceError::Failed(error) => ApiError::internal(error),
    })
}

pub(super) fn person(holder: &Holder) -> Person<'_> {
    Person { email: &holder.email, first_name: &holder.first_name, last_name: &holder.last_name }
}

/// An address as accounts are kept under.
pub(super) fn address(text: &str) -> ApiResult<String> {
    let email: Email =
        text.parse().map_err(|error: domain::contact::EmailError| ApiError::invalid("email", error.to_string()))?;
    Ok(email.as_str().to_lowercase())
}

/// 422: used, replaced, too old, or never ours.
pub(super) fn link_over() -> ApiError {
    ApiError::unprocessable("link_expired", "the link does not count any more; ask for another")
}
