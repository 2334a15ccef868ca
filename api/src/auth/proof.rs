//! Proofs of presence: a password, a code of an authenticator app, a recovery code.
//!
//! Every attempt is counted before it is checked: passwords with those of the sign-in, codes by themselves, since whoever
//! knows the password could begin to count afresh with each sign-in. Too many are answered 429; without Redis, 503.

use super::{
    attempts::{Attempt, Caller, codes_of},
    login::tell,
    origin::Origin,
    session::Entrance,
};
use crate::{
    error::{ApiError, ApiResult},
    state::SharedState,
};
use domain::{ids::UserId, sign_in::SecurityEventKind};
use jobs::security::totp::{TotpSecret, recovery_hash};
use schema::{
    AsyncConnection, DbError,
    people::{
        challenges, devices,
        mfa::{self, Factors},
    },
};
use secrecy::SecretString;
use serde_json::json;

/// What somebody shows as a second factor.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// The code of an app.
    Code(&'a str),
    /// A recovery code.
    Recovery(&'a str),
}

/// Somebody who proves who they are.
pub struct Prover<'a> {
    state: &'a SharedState,
    origin: &'a Origin,
    device: Option<[u8; 32]>,
    /// What they can prove it with.
    pub factors: Factors,
}

impl<'a> Prover<'a> {
    /// That user, from there.
    pub async fn of(entrance: &'a Entrance<'_>, user: UserId) -> ApiResult<Self> {
        let state = entrance.state;
        let mut connection = state.services.db.get().await?;
        let factors = mfa::factors(&mut connection, user).await?.ok_or_else(|| ApiError::not_found("user"))?;
        let device = match entrance.device_hash() {
            Some(hash) if devices::is_known(&mut connection, user, &hash).await? => Some(hash),
            _ => None,
        };
        Ok(Self { state, origin: &entrance.origin, device, factors })
    }

    /// Who.
    pub fn user(&self) -> UserId {
        UserId(self.factors.id)
    }

    /// Whether that is their password.
    pub async fn password(&self, given: &SecretString) -> ApiResult<bool> {
        let attempt = self.begin(&self.factors.email).await?;
        let stored = self.factors.password_hash.as_deref();
        let right = self.state.services.security.hashing.verify(given, stored).await.map_err(ApiError::internal)?;
        self.end(&attempt, right, "password").await
    }

    /// Whether that is their second factor; it is used up then, and with it the challenge it answers.
    pub async fn second(&self, shown: Shown<'_>, challenge: Option<&[u8; 32]>) -> ApiResult<bool> {
        let attempt = self.begin(&codes_of(&self.factors.email)).await?;
        let (user, now) = (self.user(), self.state.services.clock.now());
        let step = match shown {
            Shown::Code(code) => self.step_of(code)?,
            Shown::Recovery(_) => None,
        };
        let mut connection = self.state.services.db.get().await?;
        let right = connection
            .transaction::<_, DbError, _>(async |connection| {
                let used = match (shown, step) {
                    (Shown::Code(_), Some(step)) => mfa::use_step(connection, user, step).await?,
                    (Shown::Code(_), None) => false,
                    (Shown::Recovery(code), _) => {
                        mfa::use_recovery_code(connection, user, &recovery_hash(code), now).await?
                    }
                };
                let right = used
                    && match challenge {
                        Some(hash) => challenges::take(connection, hash).await?,
                        None => true,
                    };
                if right && matches!(shown, Shown::Recovery(_)) {
                    let kind = SecurityEventKind::RecoveryCodeUsed;
                    tell(connection, self.origin, user, kind, now, json!({})).await?;
                }
                Ok(right)
            })
            .await?;
        drop(connection);
        let means = if matches!(shown, Shown::Code(_)) { "code" } else { "recovery_code" };
        self.end(&attempt, right, means).await
    }

    /// The step of a code of the secret that is kept, whether or not it counts yet.
    pub fn step_of(&self, code: &str) -> ApiResult<Option<i64>> {
        let Some(sealed) = &self.factors.mfa_secret else { return Ok(None) };
        let services = &self.state.services;
        let secret = TotpSecret::open(&services.security.key_ring, self.factors.id, sealed);
        Ok(secret.map_err(ApiError::internal)?.step_of(code, services.clock.now()))
    }

    /// Counts an attempt to show a code.
    pub async fn begin_code(&self) -> ApiResult<Attempt> {
        self.begin(&codes_of(&self.factors.email)).await
    }

    async fn begin(&self, account: &str) -> ApiResult<Attempt> {
        let caller = self.device.as_ref().map_or(Caller::Stranger, Caller::Known);
        self.state.attempts.begin(account, self.origin.address, caller).await
    }

    /// Notes how an attempt went.
    pub async fn end(&self, attempt: &Attempt, right: bool, means: &str) -> ApiResult<bool> {
        if right {
            self.state.attempts.succeeded(attempt).await?;
        } else {
            let kind = if attempt.closes { SecurityEventKind::Locked } else { SecurityEventKind::SignInFailed };
            let now = self.state.services.clock.now();
            let mut connection = self.state.services.db.get().await?;
            tell(&mut connection, self.origin, self.user(), kind, now, json!({"means": means})).await?;
        }
        Ok(right)
    }
}

/// 403: the caller is known, and what they showed is wrong.
pub fn wrong_password() -> ApiError {
    ApiError::forbidden("wrong_password", "the password is wrong")
}

/// 403: the caller is known, and what they showed is wrong.
pub fn wrong_code() -> ApiError {
    ApiError::forbidden("wrong_code", "the code is wrong, or was used before; wait for the next")
}
