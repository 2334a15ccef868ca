//! The webhook of TextLocal: receipts of text messages, and those that people send us.
//!
//! Nothing signs them, so the address holds a secret, which is compared in constant time and never logged (logs name the
//! route's pattern). Anything else than a known secret is answered as an address that is not there.

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
use poem_openapi::{OpenApi, param::Path, payload::PlainText};
use providers::textlocal_webhook::parse;

/// The name in the tables.
const PROVIDER: &str = "textlocal";

/// The webhook of TextLocal.
pub struct TextlocalWebhookApi;

#[OpenApi(prefix_path = "/api/webhooks/textlocal", tag = "Tag::Webhooks")]
impl TextlocalWebhookApi {
    /// Take a receipt or a message of TextLocal
    ///
    /// The secret is `TEXTLOCAL_RECEIPT_SECRET`, or one of several. Every message that is sent names this address for its
    /// receipt; messages to us come here when the same address is set for the inbox.
    #[oai(path = "/:secret", method = "post", transform = "for_webhooks")]
    async fn take(
        &self,
        state: Data<&SharedState>,
        secret: Path<String>,
        body: RawBody,
    ) -> ApiResult<PlainText<String>> {
        known(&state, &secret.0)?;
        take(&state, &body.0).await
    }

    /// Take a receipt or a message of TextLocal, in the query
    ///
    /// The same as the POST, for accounts that are set to GET.
    #[oai(path = "/:secret", method = "get")]
    async fn take_query(
        &self,
        state: Data<&SharedState>,
        secret: Path<String>,
        request: &Request,
    ) -> ApiResult<PlainText<String>> {
        known(&state, &secret.0)?;
        take(&state, request.uri().query().unwrap_or_default().as_bytes()).await
    }
}

fn known(state: &SharedState, secret: &str) -> ApiResult<()> {
    let known = state.config.services.channels.textlocal.iter().any(|account| account.knows(secret));
    if known { Ok(()) } else { Err(ApiError::not_found("there is no such address")) }
}

async fn take(state: &SharedState, form: &[u8]) -> ApiResult<PlainText<String>> {
    let now = state.services.clock.now();
    let parsed = parse(form, now).map(|event| vec![event]);
    keep(state, PROVIDER, &read(form, parsed, now), now).await?;
    Ok(PlainText("ok".to_owned()))
}
