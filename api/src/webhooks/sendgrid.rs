//! The event webhook of SendGrid.
//!
//! A delivery's signature and its time are checked before anything reads it; what is not signed with a known key, or not
//! of now, is refused and nothing is kept. SendGrid delivers again for a day, so what it signed within that is taken, and
//! what came before changes nothing ([`keep`](super::keep)).
//!
//! Without a key everything is refused.

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
use poem_openapi::{OpenApi, payload::PlainText};
use providers::{
    sendgrid::NAME,
    sendgrid_webhook::{SIGNATURE_HEADER, TIMESTAMP_HEADER, parse, verify},
};

/// The webhook of SendGrid.
pub struct SendgridWebhookApi;

#[OpenApi(prefix_path = "/api/webhooks/sendgrid", tag = "Tag::Webhooks")]
impl SendgridWebhookApi {
    /// Take a delivery
    ///
    /// Signed by SendGrid with the key of `SENDGRID_WEBHOOK_PUBLIC_KEY`, or one of several, over the time and the raw
    /// body.
    #[oai(path = "/", method = "post", transform = "for_webhooks")]
    async fn deliver_sendgrid(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        body: RawBody,
    ) -> ApiResult<PlainText<String>> {
        let accounts = &state.config.services.channels.sendgrid;
        let keys: Vec<Vec<u8>> = accounts.iter().flat_map(|account| account.webhook_keys.iter().cloned()).collect();
        let window = accounts.iter().map(|account| account.webhook_window).max().filter(|_| !keys.is_empty());
        let window = window.ok_or_else(|| {
            let message = "no key verifies deliveries of SendGrid here: SENDGRID_WEBHOOK_PUBLIC_KEY is not set";
            ApiError::forbidden("webhook_not_configured", message)
        })?;
        let now = state.services.clock.now();
        let headers = (request.header(SIGNATURE_HEADER), request.header(TIMESTAMP_HEADER));
        verify(&keys, &body.0, headers, now, window)
            .map_err(|error| ApiError::forbidden("invalid_signature", error.to_string()))?;
        let events = read(&body.0, parse(&body.0, now), now);
        keep(&state, NAME, &events, now).await?;
        Ok(PlainText("ok".to_owned()))
    }
}
