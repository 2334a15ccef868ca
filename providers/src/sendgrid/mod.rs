//! E-mail through SendGrid: `POST /v3/mail/send`.
//!
//! There is no idempotency key. What surely was not taken is a retry; what may have been taken is
//! [`FailureClass::Unknown`](domain::messaging::FailureClass::Unknown), settled later by the event that returns the
//! correlation. Source: the vendor's API description.

mod config;
mod wire;

pub use config::SendgridConfig;
pub use wire::CORRELATION_ARGUMENT;

use crate::{
    answers::{by_status, paced},
    email::{ANSWER_LIMIT, EmailMessage, EmailProvider, TIMEOUT},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount},
};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, Url, header, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The provider's name in records of messages and events.
pub const NAME: &str = "sendgrid";

/// One account.
#[derive(Debug)]
pub struct Sendgrid {
    client: Client,
    url: Url,
    api_key: SecretString,
    sender: String,
    account: String,
    rate: SendRate,
}

impl Sendgrid {
    /// Makes the one client that all sends of the process share.
    pub fn new(config: &SendgridConfig) -> Result<Self, HttpError> {
        let mut url = config.base.clone();
        url.set_path(&format!("{}/v3/mail/send", url.path().trim_end_matches('/')));
        Ok(Self {
            client: http::client(TIMEOUT, http::is_loopback(&config.base))?,
            url,
            api_key: config.api_key.clone(),
            sender: config.from.clone(),
            account: format!("sendgrid:{}", config.from_address.to_ascii_lowercase()),
            rate: paced(config.rate_per_second),
        })
    }

    async fn call(&self, message: &EmailMessage) -> Result<Accepted, SendFailure> {
        let body = serde_json::to_vec(&wire::request(message)?)
            .map_err(|error| SendFailure::new(FailureClass::Request, None, &error.to_string()))?;
        let answer = self
            .client
            .post(self.url.clone())
            .bearer_auth(self.api_key.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| unanswered(&error))?;
        read(answer, &message.id).await
    }
}

impl SendingAccount for Sendgrid {
    fn name(&self) -> &'static str {
        NAME
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.rate
    }
}

impl EmailProvider for Sendgrid {
    fn sender(&self) -> &str {
        &self.sender
    }

    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.call(message))
    }
}

async fn read(answer: Response, own_id: &str) -> Result<Accepted, SendFailure> {
    let status = answer.status();
    if status.is_success() {
        let id = answer.headers().get("x-message-id").and_then(|value| value.to_str().ok()).map(str::trim);
        // the vendor does not promise its own id; the message has ours
        let id = id.filter(|id| (1..=255).contains(&id.len())).unwrap_or(own_id);
        return Ok(Accepted { provider_message_id: id.to_owned(), held: false });
    }
    let after = wait(answer.headers());
    let body = bounded_body(answer, ANSWER_LIMIT).await.unwrap_or_default();
    Err(wire::refusal(status, &body, after).unwrap_or_else(|| by_status(status, after, "SENDGRID_BASE_URL")))
}

/// `Retry-After`, or the second at which the vendor's limit starts anew, counted from the answer's own date.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: u64 = 60 * 60;
    if let Some(after) = http::retry_after(headers) {
        return Some(after);
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let reset: i64 = text("x-ratelimit-reset")?.parse().ok()?;
    let date = chrono::DateTime::parse_from_rfc2822(text("date")?).ok()?;
    let seconds = u64::try_from(reset.checked_sub(date.timestamp())?).ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_when_it_starts_anew() {
        let mut headers = HeaderMap::new();
        headers.insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        headers.insert("x-ratelimit-reset", "784111787".parse().unwrap());
        assert_eq!(wait(&headers), Some(Duration::from_secs(10)));
        headers.insert("x-ratelimit-reset", "784111700".parse().unwrap());
        assert_eq!(wait(&headers), None);
        headers.insert("retry-after", "3".parse().unwrap());
        assert_eq!(wait(&headers), Some(Duration::from_secs(3)));
    }
}
