//! The webhooks of Twilio: what became of text messages, and those that people send us.
//!
//! The signature covers the address that Twilio called, which is `PUBLIC_URL` and our path, whatever `Host` says. A wrong
//! one is refused and nothing is kept; what is right is kept and answered at once. Without an account there is no token,
//! and everything is refused.

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
use poem::{Request, http::header, web::Data};
use poem_openapi::{ApiResponse, OpenApi, payload::PlainText};
use providers::{
    twilio::STATUS_PATH,
    twilio_webhook::{SignatureError, Signed, parse_inbound, parse_status, verify},
};
use secrecy::SecretString;

/// Where Twilio puts the signature.
const SIGNATURE: &str = "x-twilio-signature";
/// The name in the tables.
const PROVIDER: &str = "twilio";
/// Where messages to us are taken.
const INBOUND_PATH: &str = "/api/webhooks/twilio/inbound";

/// The webhooks of Twilio.
pub struct TwilioWebhookApi;

/// What Twilio is to do about a message to us.
#[derive(ApiResponse)]
enum TwilioOrders {
    /// Nothing: replies are sent by people and jobs, not by this answer.
    #[oai(status = 200, content_type = "text/xml")]
    Nothing(PlainText<String>),
}

#[OpenApi(prefix_path = "/api/webhooks/twilio", tag = "Tag::Webhooks")]
impl TwilioWebhookApi {
    /// Take a status callback of Twilio
    ///
    /// Signed by Twilio with the account's auth token (`TWILIO_AUTH_TOKEN`, or one of several). Every message that is
    /// sent names this address, with its correlation id.
    #[oai(path = "/status", method = "post", transform = "for_webhooks")]
    async fn take_status(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: RawBody,
    ) -> ApiResult<PlainText<String>> {
        check(&state, request, STATUS_PATH, &body.0)?;
        let now = state.services.clock.now();
        let query = request.uri().query().unwrap_or_default();
        let parsed = parse_status(&body.0, query, now).map(|event| vec![event]);
        keep(&state, PROVIDER, &read(&body.0, parsed, now), now).await?;
        Ok(PlainText("ok".to_owned()))
    }

    /// Take a text message through Twilio
    ///
    /// Signed like status callbacks. This is the address to set at Twilio for the number or the messaging service.
    #[oai(path = "/inbound", method = "post", transform = "for_webhooks")]
    async fn take_inbound(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: RawBody,
    ) -> ApiResult<TwilioOrders> {
        check(&state, request, INBOUND_PATH, &body.0)?;
        let now = state.services.clock.now();
        let parsed = parse_inbound(&body.0, now).map(|event| vec![event]);
        keep(&state, PROVIDER, &read(&body.0, parsed, now), now).await?;
        Ok(TwilioOrders::Nothing(PlainText("<Response/>".to_owned())))
    }
}

/// Whether Twilio made this call, to that address of ours.
fn check(state: &SharedState, request: &Request, path: &str, body: &[u8]) -> ApiResult<()> {
    let tokens: Vec<SecretString> =
        state.config.services.channels.twilio.iter().flat_map(|account| account.auth_tokens.clone()).collect();
    if tokens.is_empty() {
        let message = "no Twilio account is configured here: TWILIO_ACCOUNT_SID and its companions are not set";
        return Err(ApiError::forbidden("webhook_not_configured", message));
    }
    let is_form = request
        .header(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let given = request.header(SIGNATURE);
    // people may have entered the address with a slash at its end
    let refused = ["", "/"].into_iter().map(|slash| {
        let url = format!("{}{path}{slash}{query}", state.services.public_url);
        verify(&tokens, Signed { url: &url, body, is_form }, given)
    });
    let mut last = SignatureError::Missing;
    for outcome in refused {
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(ApiError::forbidden("invalid_signature", last.to_string()))
}
