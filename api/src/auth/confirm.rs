//! Step-up: showing again that it is you, for what does damage in the hands of whoever finds an open browser.

use super::{
    guard::SignedIn,
    login::tell,
    proof::{Prover, Shown, wrong_code, wrong_password},
    session::Entrance,
};
use crate::{
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::JsonBody,
    state::SharedState,
    tags::Tag,
};
use domain::sign_in::SecurityEventKind;
use poem::{
    Request,
    web::{Data, cookie::CookieJar},
};
use poem_openapi::{Object, OpenApi};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
    people::sessions,
};
use serde_json::json;

/// Showing again that it is you.
pub struct ConfirmApi;

/// What shows that it is you: one of both.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Confirm {
    /// The password; counts where no second factor is set up.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: Option<String>,
    /// A code of the authenticator app.
    #[oai(validator(min_length = 1, max_length = 20))]
    code: Option<String>,
}

/// How long it is taken to be you.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Confirmed {
    /// Always true.
    confirmed: bool,
    /// Seconds until it has to be shown again.
    expires_in: u64,
}

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Auth")]
impl ConfirmApi {
    /// Show that it is you
    ///
    /// Some operations take a recent proof of that and answer 403 `step_up_required` without. Where a second factor is
    /// set up, a code alone counts.
    #[oai(path = "/confirm", method = "post")]
    async fn confirm(
        &self,
        state: Data<&SharedState>,
        caller: SignedIn,
        request: &Request,
        jar: &CookieJar,
        body: JsonBody<Confirm>,
    ) -> ApiResult<Reply<Confirmed>> {
        let session = caller.demand_person()?;
        let entrance = Entrance::of(&state, request, jar, false, None);
        let prover = Prover::of(&entrance, caller.user_id).await?;
        let with_mfa = prover.factors.mfa_enabled;
        match (body.0.password, body.0.code) {
            (None, Some(code)) if with_mfa => {
                if !prover.second(Shown::Code(&code), None).await? {
                    return Err(wrong_code());
                }
            }
            (Some(password), None) if !with_mfa => {
                if !prover.password(&password.into()).await? {
                    return Err(wrong_password());
                }
            }
            _ if with_mfa => return Err(ApiError::invalid("code", "is required, and no password")),
            _ => return Err(ApiError::invalid("password", "is required, and no code: no second factor is set up")),
        }
        let now = state.services.clock.now();
        let details = json!({"means": if with_mfa { "code" } else { "password" }});
        let entry = caller.entry("session.confirmed", Entity::named("session", session.to_string()));
        let mut connection = state.services.db.get().await?;
        connection
            .transaction::<_, DbError, _>(async |connection| {
                sessions::confirm(connection, session, with_mfa, now).await?;
                let kind = SecurityEventKind::Confirmed;
                tell(connection, &caller.origin, caller.user_id, kind, now, details.clone()).await?;
                audit::record(connection, &[entry.clone().after(details.clone())]).await
            })
            .await?;
        state.principals.forget(session);
        ok(Confirmed { confirmed: true, expires_in: state.services.security.sessions.step_up.as_secs() })
    }
}
