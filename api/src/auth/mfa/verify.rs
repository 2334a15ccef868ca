//! The second step of the sign-in.

use crate::{
    auth::{
        login::entered,
        proof::{Prover, Shown},
        session::{Entered, Entrance},
    },
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
};
use jobs::security::secret_token;
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{Object, OpenApi};
use schema::people::challenges;

/// The second step of the sign-in.
pub struct VerifyApi;

/// The second factor: a code or a recovery code.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Verify {
    /// What the sign-in answered.
    #[oai(validator(min_length = 1, max_length = 100))]
    challenge: String,
    /// A code of the authenticator app.
    #[oai(validator(min_length = 1, max_length = 20))]
    code: Option<String>,
    /// Or one of the recovery codes; it counts once.
    #[oai(validator(min_length = 1, max_length = 50))]
    recovery_code: Option<String>,
    /// For browsers: keep the refresh token in a cookie that scripts cannot read, instead of the answer.
    #[oai(default)]
    cookie: bool,
    /// The `deviceToken` of an earlier sign-in on this device.
    #[oai(validator(max_length = 100))]
    device_token: Option<String>,
}

#[OpenApi(prefix_path = "/api/auth/mfa", tag = "Tag::Auth")]
impl VerifyApi {
    /// Show the second factor
    ///
    /// A challenge stands five attempts, within five minutes; then sign in again.
    #[oai(path = "/verify", method = "post")]
    async fn verify(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Verify>,
    ) -> ApiResult<Entered> {
        let Verify { challenge, code, recovery_code, cookie, device_token } = body.0;
        let shown = match (&code, &recovery_code) {
            (Some(code), None) => Shown::Code(code),
            (None, Some(code)) => Shown::Recovery(code),
            _ => return Err(ApiError::invalid("code", "is required, or a recoveryCode; not both")),
        };
        let hash = secret_token::hash(&challenge);
        let mut connection = state.services.db.get().await?;
        let found = challenges::attempt(&mut connection, &hash, state.services.clock.now()).await?;
        drop(connection);
        let found = found.ok_or_else(|| {
            let message = "the challenge has expired, or was tried too often; sign in again";
            ApiError::unauthenticated("challenge_over", message)
        })?;
        let entrance = Entrance::of(&state, request, jar, cookie, device_token);
        let prover = Prover::of(&entrance, found.user).await?;
        if !prover.second(shown, Some(&hash)).await? {
            let message = "the code is wrong, or was used before; wait for the next";
            return Err(ApiError::unauthenticated("wrong_code", message));
        }
        entrance.open(found.user, found.method, true).await.map(entered)
    }
}
