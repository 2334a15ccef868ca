//! E-mail through Amazon SES (version 2): `POST /v2/email/outbound-emails`, signed with Signature Version 4.
//!
//! There is no idempotency key. What surely was not taken is a retry; what may have been taken is
//! [`FailureClass::Unknown`](domain::messaging::FailureClass::Unknown), settled later by the event that returns the
//! correlation's tag, which comes through a configuration set alone. Source: the vendor's API reference.

mod config;
mod wire;

pub use config::SesConfig;
pub use wire::CORRELATION_TAG;

use crate::{
    answers::{by_status, paced, real_time, unreadable},
    email::{ANSWER_LIMIT, EmailMessage, EmailProvider, TIMEOUT},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount},
};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, Url, header};

/// The provider's name in records of messages and events.
pub const NAME: &str = "ses";

/// One sending identity in one region.
#[derive(Debug)]
pub struct Ses {
    client: Client,
    url: Url,
    config: SesConfig,
    account: String,
}

impl Ses {
    /// Makes the one client that all sends of the process share.
    pub fn new(config: &SesConfig) -> Result<Self, HttpError> {
        let mut url = config.base.clone();
        url.set_path(&format!("{}/v2/email/outbound-emails", url.path().trim_end_matches('/')));
        let address = config.from.trim_end_matches('>');
        let domain = address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            client: http::client(TIMEOUT, http::is_loopback(&config.base))?,
            url,
            account: format!("ses:{}:{domain}", config.aws.region),
            config: config.clone(),
        })
    }

    async fn call(&self, message: &EmailMessage) -> Result<Accepted, SendFailure> {
        let body = serde_json::to_vec(&wire::request(&self.config, message)?)
            .map_err(|error| SendFailure::new(FailureClass::Request, None, &error.to_string()))?;
        let call = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json").body(body);
        let mut request = call.build().map_err(|error| unanswered(&error))?;
        self.config.aws.sign("ses", &mut request, real_time())?;
        read(self.client.execute(request).await.map_err(|error| unanswered(&error))?).await
    }
}

impl SendingAccount for Ses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        paced(self.config.rate_per_second)
    }
}

impl EmailProvider for Ses {
    fn sender(&self) -> &str {
        &self.config.from
    }

    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.call(message))
    }
}

async fn read(answer: Response) -> Result<Accepted, SendFailure> {
    let status = answer.status();
    let after = http::retry_after(answer.headers());
    let kind = answer.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = bounded_body(answer, ANSWER_LIMIT).await;
    if status.is_success() {
        // whatever it says, it may have been taken
        let body = body.map_err(|error| unreadable(&error.to_string()))?;
        let id = wire::accepted(&body).ok_or_else(|| unreadable("accepted, but without a message id"))?;
        return Ok(Accepted { provider_message_id: id, held: false });
    }
    let body = body.unwrap_or_default();
    let refused = wire::refusal(status, kind.as_deref(), &body, after);
    Err(refused.unwrap_or_else(|| by_status(status, after, "SES_BASE_URL and AWS_REGION")))
}
