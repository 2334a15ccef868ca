//! Second factors: codes of an authenticator app (TOTP), and recovery codes for when it is lost.
//!
//! [`enter`] asks for one between the password and the session. A code counts once, whoever shows it again is answered as
//! with a wrong one; wrong ones are counted apart from passwords, and slowed down as these are.

mod qr;
mod settings;
mod verify;

use super::{
    login::entered,
    session::{Challenge, Entered, Entrance, after},
};
use crate::{envelope::Success, error::ApiResult};
use domain::{ids::UserId, sign_in::SignInMethod};
use jobs::security::secret_token::SecretToken;
use poem_openapi::payload::Json;
use schema::people::challenges;
use secrecy::ExposeSecret;
use std::time::Duration;

pub use settings::MfaApi;
pub use verify::VerifyApi;

/// What challenges begin with.
const PREFIX: &str = "rnc_";
/// The time there is to show the second factor.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Lets somebody in who has shown the first factor, or asks for the second.
pub async fn enter(
    entrance: &Entrance<'_>,
    user: UserId,
    method: SignInMethod,
    mfa_enabled: bool,
) -> ApiResult<Entered> {
    if !mfa_enabled {
        return entrance.open(user, method, false).await.map(entered);
    }
    let challenge = challenge(entrance, user, method).await?;
    Ok(Entered::Challenged(Json(Success { success: true, data: challenge })))
}

/// Begins to ask somebody for the second factor.
pub async fn challenge(entrance: &Entrance<'_>, user: UserId, method: SignInMethod) -> ApiResult<Challenge> {
    let services = &entrance.state.services;
    let now = services.clock.now();
    let token = SecretToken::new(PREFIX);
    let waiting = challenges::Challenge { user, method };
    let mut connection = services.db.get().await?;
    challenges::begin(&mut connection, &token.hash, &waiting, now, after(now, LIFETIME)).await?;
    Ok(Challenge {
        mfa_required: true,
        challenge: token.text.expose_secret().to_owned(),
        expires_in: i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX),
    })
}
