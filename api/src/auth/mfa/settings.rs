//! A person's own second factor: setting it up, new recovery codes, taking it away.

use super::qr;
use crate::{
    auth::{
        guard::SignedIn,
        login::tell,
        proof::{Prover, wrong_code, wrong_password},
        session::Entrance,
    },
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
};
use domain::sign_in::SecurityEventKind;
use jobs::security::totp::{TotpSecret, recovery_code, recovery_hash};
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{Object, OpenApi};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
    people::{access, mfa, sessions},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// What apps name the account after.
const ISSUER: &str = "Intelipro Renewals";
/// Recovery codes there are at a time.
const RECOVERY_CODES: usize = 10;

/// A person's own second factor.
pub struct MfaApi;

/// Who sets one up.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Enrol {
    /// The password; not needed soon after the sign-in or `POST /api/auth/confirm`.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: Option<String>,
}

/// What an authenticator app needs.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Enrolment {
    /// For apps on the same device: `otpauth://totp/…`.
    otpauth_uri: String,
    /// To be typed in: base32.
    secret: String,
    /// The URI as a QR code: an SVG document.
    qr_svg: String,
}

/// A code that shows that the app has the secret.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Activate {
    /// What the app shows.
    #[oai(validator(min_length = 1, max_length = 20))]
    code: String,
}

/// Codes for when the app is lost; told this once.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct RecoveryCodes {
    /// Each counts once.
    recovery_codes: Vec<String>,
}

/// How things are now.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct MfaState {
    /// Whether a second factor is set up.
    mfa_enabled: bool,
}

#[OpenApi(prefix_path = "/api/auth/mfa", tag = "Tag::Auth")]
impl MfaApi {
    /// Set up a second factor
    ///
    /// Makes a secret for an authenticator app. It counts once `POST /api/auth/mfa/activate` has been shown a code of it.
    #[oai(path = "/enroll", method = "post")]
    async fn enroll(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Enrol>,
    ) -> ApiResult<Reply<Enrolment>> {
        caller.demand_person()?;
        let entrance = Entrance::of(&state, request, jar, false, None);
        let prover = Prover::of(&entrance, caller.user_id).await?;
        if prover.factors.mfa_enabled {
            return Err(enabled_already());
        }
        match body.0.password {
            Some(password) => {
                if !prover.password(&password.into()).await? {
                    return Err(wrong_password());
                }
            }
            None => caller.demand_presence(&state)?,
        }
        let secret = TotpSecret::random();
        let ring = &state.services.security.key_ring;
        let sealed = secret.seal(ring, caller.user_id.0).map_err(ApiError::internal)?;
        let uri = secret.uri(ISSUER, &prover.factors.email);
        let qr_svg = qr::svg(uri.expose_secret()).map_err(ApiError::internal)?;
        let entry = caller.entry("mfa.enrolment_begun", Entity::of(caller.user_id));
        let mut connection = state.services.db.get().await?;
        let kept = connection
            .transaction::<_, DbError, _>(async |connection| {
                let kept = mfa::keep_secret(connection, caller.user_id, &sealed).await?;
                if kept {
                    audit::record(connection, std::slice::from_ref(&entry)).await?;
                }
                Ok(kept)
            })
            .await?;
        if !kept {
            return Err(enabled_already());
        }
        let secret = secret.base32().expose_secret().to_owned();
        ok(Enrolment { otpauth_uri: uri.expose_secret().to_owned(), secret, qr_svg })
    }

    /// Have the second factor count
    ///
    /// From now on the sign-in asks for a code. Answers the recovery codes, this once.
    #[oai(path = "/activate", method = "post")]
    async fn activate(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Activate>,
    ) -> ApiResult<Reply<RecoveryCodes>> {
        let session = caller.demand_person()?;
        let entrance = Entrance::of(&state, request, jar, false, None);
        let prover = Prover::of(&entrance, caller.user_id).await?;
        if prover.factors.mfa_enabled {
            return Err(enabled_already());
        }
        let Some(sealed) = prover.factors.mfa_secret.clone() else {
            let message = "there is nothing to activate; begin with POST /api/auth/mfa/enroll";
            return Err(ApiError::conflict("mfa_not_enrolled", message));
        };
        let attempt = prover.begin_code().await?;
        let step = prover.step_of(&body.0.code)?;
        prover.end(&attempt, step.is_some(), "code").await?;
        let step = step.ok_or_else(wrong_code)?;
        let (codes, hashes) = new_codes();
        let (user, now) = (caller.user_id, state.services.clock.now());
        let entry = caller.entry("mfa.enabled", Entity::of(user)).after(json!({"mfaEnabled": true}));
        let mut connection = state.services.db.get().await?;
        let enabled = connection
            .transaction::<_, DbError, _>(async |connection| {
                let enabled = mfa::enable(connection, user, &sealed, step, now).await?;
                if enabled {
                    mfa::replace_recovery_codes(connection, user, &hashes).await?;
                    sessions::confirm(connection, session, true, now).await?;
                    let kind = SecurityEventKind::MfaEnabled;
                    tell(connection, &caller.origin, user, kind, now, json!({})).await?;
                    audit::record(connection, std::slice::from_ref(&entry)).await?;
                }
                Ok(enabled)
            })
            .await?;
        if !enabled {
            let message = "the second factor was changed meanwhile; begin again with POST /api/auth/mfa/enroll";
            return Err(ApiError::conflict("mfa_changed", message));
        }
        state.principals.forget(session);
        ok(codes)
    }

    /// Make new recovery codes
    ///
    /// The old ones are void. Takes a recent proof of presence.
    #[oai(path = "/recovery-codes", method = "post")]
    async fn recovery_codes(&self, state: Data<&SharedState>, caller: SignedIn) -> ApiResult<Reply<RecoveryCodes>> {
        caller.demand_presence(&state)?;
        let (codes, hashes) = new_codes();
        let (user, now) = (caller.user_id, state.services.clock.now());
        let entry = caller.entry("mfa.recovery_codes_made", Entity::of(user));
        let mut connection = state.services.db.get().await?;
        let made = connection
            .transaction::<_, DbError, _>(async |connection| {
                let factors = mfa::factors(connection, user).await?;
                if !factors.is_some_and(|factors| factors.mfa_enabled) {
                    return Ok(false);
                }
                mfa::replace_recovery_codes(connection, user, &hashes).await?;
                let kind = SecurityEventKind::RecoveryCodesMade;
                tell(connection, &caller.origin, user, kind, now, json!({})).await?;
                audit::record(connection, std::slice::from_ref(&entry)).await?;
                Ok(true)
            })
            .await?;
        if !made {
            return Err(not_enabled());
        }
        ok(codes)
    }

    /// Take the second factor away
    ///
    /// Takes a recent proof of presence; 409 where the role takes a second factor.
    #[oai(path = "/disable", method = "post")]
    async fn disable(&self, state: Data<&SharedState>, caller: SignedIn) -> ApiResult<Reply<MfaState>> {
        caller.demand_presence(&state)?;
        let session = caller.demand_person()?;
        let (user, now) = (caller.user_id, state.services.clock.now());
        let entry = caller.entry("mfa.disabled", Entity::of(user));
        let entry = entry.before(json!({"mfaEnabled": true})).after(json!({"mfaEnabled": false}));
        let mut connection = state.services.db.get().await?;
        let account = access::by_user(&mut connection, user).await?;
        if account.and_then(|(_, role)| role).is_some_and(|role| role.requires_mfa) {
            let message = "your role takes a second factor: it cannot be taken away";
            return Err(ApiError::conflict("mfa_required_by_role", message));
        }
        let disabled = connection
            .transaction::<_, DbError, _>(async |connection| {
                let disabled = mfa::disable(connection, user, now).await?;
                if disabled {
                    let kind = SecurityEventKind::MfaDisabled;
                    tell(connection, &caller.origin, user, kind, now, json!({})).await?;
                    audit::record(connection, std::slice::from_ref(&entry)).await?;
                }
                Ok(disabled)
            })
            .await?;
        if !disabled {
            return Err(not_enabled());
        }
        state.principals.forget(session);
        ok(MfaState { mfa_enabled: false })
    }
}

fn new_codes() -> (RecoveryCodes, Vec<[u8; 32]>) {
    let codes: Vec<SecretString> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    let hashes = codes.iter().map(|code| recovery_hash(code.expose_secret())).collect();
    (RecoveryCodes { recovery_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() }, hashes)
}

fn enabled_already() -> ApiError {
    ApiError::conflict("mfa_enabled_already", "a second factor is set up already; disable it first")
}

fn not_enabled() -> ApiError {
    ApiError::conflict("mfa_not_enabled", "no second factor is set up")
}
