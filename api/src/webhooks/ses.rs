//! The events of Amazon SES, which come through a topic of Amazon SNS.
//!
//! A delivery must come from a topic of ours and be signed by Amazon before anything of it is believed; what is not, is
//! refused and nothing is kept. A topic that asks whether it may deliver here is told so, at Amazon's own address. While
//! Amazon's certificate cannot be fetched, or the database takes nothing, the answer is an error, and SNS delivers again.
//!
//! Without a topic everything is refused.

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
use poem::web::Data;
use poem_openapi::{OpenApi, payload::PlainText};
use providers::{
    ses::NAME,
    ses_webhook::parse,
    sns_webhook::{SnsError, SnsKind},
};
use std::convert::Infallible;

/// The webhook of SES.
pub struct SesWebhookApi;

#[OpenApi(prefix_path = "/api/webhooks/ses", tag = "Tag::Webhooks")]
impl SesWebhookApi {
    /// Take a delivery
    ///
    /// Of one of the topics in `SES_SNS_TOPIC_ARNS`, signed by Amazon. Raw delivery must be off, since it is not signed.
    #[oai(path = "/", method = "post", transform = "for_webhooks")]
    async fn deliver_ses(&self, state: Data<&SharedState>, body: RawBody) -> ApiResult<PlainText<String>> {
        let verifier = state.sns.as_ref().filter(|verifier| verifier.takes_any()).ok_or_else(|| {
            let message = "no topic delivers here: SES_FROM_EMAIL and SES_SNS_TOPIC_ARNS are not set";
            ApiError::forbidden("webhook_not_configured", message)
        })?;
        let now = state.services.clock.now();
        let delivery = verifier.verify(&body.0, now).await.map_err(refused)?;
        match delivery.kind {
            SnsKind::Notification => {
                let parsed = Ok::<_, Infallible>(parse(&delivery.message, now));
                keep(&state, NAME, &read(&body.0, parsed, now), now).await?;
            }
            SnsKind::SubscriptionConfirmation => {
                verifier.confirm(&delivery).await.map_err(refused)?;
                tracing::info!(topic = delivery.topic_arn, "the topic delivers here from now on");
            }
            SnsKind::UnsubscribeConfirmation => {
                tracing::warn!(
                    topic = delivery.topic_arn,
                    "the topic delivers here no more: no event of SES will come"
                );
            }
        }
        Ok(PlainText("ok".to_owned()))
    }
}

fn refused(error: SnsError) -> ApiError {
    match error {
        SnsError::Unreachable | SnsError::Certificate => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a delivery of SNS cannot be checked now");
            ApiError::unavailable(error)
        }
        _ => ApiError::forbidden("invalid_signature", error.to_string()),
    }
}
