//! The webhook of the WhatsApp Cloud API: its set-up call, and deliveries.
//!
//! A delivery's signature is checked before anything reads it; a wrong one is refused and nothing is kept. Its events
//! and the job that applies them are written in one transaction, each event once however often it is delivered, and
//! the answer goes out without waiting for them to be applied. While the database does not take them the answer is an
//! error, and Meta delivers again, for days.
//!
//! A delivery that is signed but cannot be read is kept as it came, for people, and answered 200: the signature proves
//! that nothing was garbled on the way, so the next attempt would be the same, and the one after it.
//!
//! Without an account (the sandbox sends) there is no secret, and everything is refused.

use super::{
    keep::{keep, read},
    raw_body::RawBody,
};
use crate::{
    edge::limits::for_webhooks,
    error::{ApiError, ApiResult},
    state::SharedState,
    tags::Tag,
};
use poem::{Request, web::Data};
use poem_openapi::{OpenApi, param::Query, payload::PlainText};
use providers::{
    whatsapp_cloud::WhatsappConfig,
    whatsapp_webhook::{Challenge, parse, verify},
};
use secrecy::SecretString;

/// The provider of the events.
const PROVIDER: &str = "whatsapp_cloud";
/// Where Meta puts the signature.
const SIGNATURE: &str = "x-hub-signature-256";

/// The webhook of WhatsApp.
pub struct WhatsappWebhookApi;

#[OpenApi(prefix_path = "/api/webhooks/whatsapp", tag = "Tag::Webhooks")]
impl WhatsappWebhookApi {
    /// Set the webhook up
    ///
    /// Meta calls this once: the challenge is echoed if the token is ours (`WHATSAPP_WEBHOOK_VERIFY_TOKEN`).
    #[oai(path = "/", method = "get")]
    async fn set_up(
        &self,
        state: Data<&SharedState>,
        #[oai(name = "hub.mode")] mode: Query<Option<String>>,
        #[oai(name = "hub.verify_token")] token: Query<Option<String>>,
        #[oai(name = "hub.challenge")] challenge: Query<Option<String>>,
    ) -> ApiResult<PlainText<String>> {
        let accounts = accounts(&state)?;
        let (mode, token, challenge) = (mode.0.as_deref(), token.0.as_deref(), challenge.0.as_deref());
        let asked = Challenge {
            mode: mode.unwrap_or_default(),
            token: token.unwrap_or_default(),
            challenge: challenge.unwrap_or_default(),
        };
        let answer = accounts.iter().find_map(|account| asked.answer(&account.verify_token));
        let answer = answer.map(|echo| PlainText(echo.to_owned()));
        answer.ok_or_else(|| {
            ApiError::forbidden("challenge_refused", "expected hub.mode subscribe, our token, and a challenge")
        })
    }

    /// Take a delivery
    ///
    /// Signed by Meta with the app's secret (`WHATSAPP_APP_SECRET`, or one of several) over the raw body.
    #[oai(path = "/", method = "post", transform = "for_webhooks")]
    async fn deliver(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: RawBody,
    ) -> ApiResult<PlainText<String>> {
        let accounts = accounts(&state)?;
        let secrets: Vec<SecretString> =
            accounts.iter().flat_map(|account| account.app_secrets.iter().cloned()).collect();
        verify(&secrets, &body.0, request.header(SIGNATURE))
            .map_err(|error| ApiError::forbidden("invalid_signature", error.to_string()))?;
        let now = state.services.clock.now();
        let events = read(&body.0, parse(&body.0, now), now);
        keep(&state, PROVIDER, &events, now).await?;
        Ok(PlainText("ok".to_owned()))
    }
}

/// The accounts whose webhook this is; all of an app share it.
fn accounts(state: &SharedState) -> ApiResult<&[WhatsappConfig]> {
    let accounts = &state.config.services.channels.whatsapp;
    if accounts.is_empty() {
        let message = "no WhatsApp account is configured here: WHATSAPP_APP_SECRET and its companions are not set";
        return Err(ApiError::forbidden("webhook_not_configured", message));
    }
    Ok(accounts)
}
