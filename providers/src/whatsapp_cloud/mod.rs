//! WhatsApp Cloud API of Meta: `POST {base}/{version}/{phone number id}/messages`.
//!
//! There is no idempotency key. What surely was not taken is a retry; what may have been taken is
//! [`FailureClass::Unknown`], settled later by the webhook that echoes the correlation id. Answers are branched on by
//! `error.code`, never by text. Source: the vendor's API description and error code reference.

mod classes;
mod config;
mod flows;
mod manage;
mod media;
mod standing;
mod templates;
mod wire;

pub use classes::{classify, masked};
pub use config::WhatsappConfig;
pub use flows::FlowProblem;
pub use manage::WhatsappManager;
pub use media::{LONGEST_MEDIA, MediaFile, WhatsappMedia, media_limit};
pub use templates::{RemoteTemplate, Submitted, TemplatePage};

use crate::{
    answers::{class_of, unreadable},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount, Standing, WhatsappMessage, WhatsappProvider},
    recipient_limits::PairRate,
};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, StatusCode, Url, header};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What the vendor lets a number send to one person: one message in six seconds, and 45 at once.
const PAIR_RATE: PairRate = PairRate { every: Duration::from_secs(6), burst: 45 };

/// One sending number of a WhatsApp business account.
#[derive(Debug)]
pub struct WhatsappCloud {
    client: Client,
    url: Url,
    number: Url,
    token: SecretString,
    account: String,
    rate: SendRate,
}

impl WhatsappCloud {
    /// Makes the one client that all sends of the process share.
    pub fn new(config: &WhatsappConfig) -> Result<Self, HttpError> {
        Ok(Self {
            client: http::client(TIMEOUT, config.is_loopback())?,
            url: config.messages_url(),
            number: config.number_url(),
            token: config.access_token.clone(),
            account: format!("whatsapp:{}", config.phone_number_id),
            rate: config.rate(),
        })
    }

    async fn call(&self, message: &WhatsappMessage) -> Result<Accepted, SendFailure> {
        let body = serde_json::to_vec(&wire::request(message))
            .map_err(|error| SendFailure::new(FailureClass::Request, None, &error.to_string()))?;
        let answer = self
            .client
            .post(self.url.clone())
            .bearer_auth(self.token.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| unanswered(&error))?;
        read(answer).await
    }
}

impl SendingAccount for WhatsappCloud {
    fn name(&self) -> &'static str {
        "whatsapp_cloud"
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.rate
    }

    fn pair_rate(&self) -> Option<PairRate> {
        Some(PAIR_RATE)
    }

    fn standing(&self) -> BoxFuture<'_, Result<Option<Standing>, SendFailure>> {
        Box::pin(async { self.ask_standing().await.map(Some) })
    }
}

impl WhatsappProvider for WhatsappCloud {
    fn send<'a>(&'a self, message: &'a WhatsappMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.call(message))
    }
}

async fn read(answer: Response) -> Result<Accepted, SendFailure> {
    let status = answer.status();
    let after = http::retry_after(answer.headers());
    let body = bounded_body(answer, ANSWER_LIMIT).await;
    if status.is_success() {
        // whatever it says, it may have been taken
        let body = body.map_err(|error| unreadable(&error.to_string()))?;
        return wire::accepted(&body).ok_or_else(|| unreadable("accepted, but without a message id"));
    }
    Err(refused(status, after, &body.unwrap_or_default()))
}

/// What an answer that is not a success says; an empty body gives no reason.
fn refused(status: StatusCode, after: Option<Duration>, body: &[u8]) -> SendFailure {
    let Some(error) = wire::error(body) else { return without_reason(status, after) };
    let class = classify(error.code, Some(status.as_u16()), after);
    SendFailure::new(class, Some(error.code.to_string().into()), &masked(&error.text()))
}

/// An answer that is not of the API itself: a proxy, a gateway, or a wrong address.
fn without_reason(status: StatusCode, after: Option<Duration>) -> SendFailure {
    let detail = "an answer that is not of the WhatsApp Cloud API: check WHATSAPP_BASE_URL and WHATSAPP_API_VERSION";
    SendFailure::new(class_of(status, after), Some(format!("http_{}", status.as_u16()).into()), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_says_is_judged_by_its_status() {
        let class = |status: u16, after| without_reason(StatusCode::from_u16(status).unwrap(), after).class;
        let wait = Some(Duration::from_secs(3));
        assert_eq!(class(429, wait), FailureClass::RateLimited { after: wait });
        assert_eq!(class(503, wait), FailureClass::Retry { after: wait });
        for status in [408, 500, 502, 503, 504, 520] {
            assert_eq!(class(status, None), FailureClass::Unknown, "{status}");
        }
        for status in [301, 302, 307, 401, 403, 404] {
            assert_eq!(class(status, None), FailureClass::Account, "{status}");
        }
        for status in [400, 411, 413, 415] {
            assert_eq!(class(status, None), FailureClass::Request, "{status}");
        }
    }
}
