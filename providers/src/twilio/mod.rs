//! SMS through Twilio: `POST {base}/2010-04-01/Accounts/{account}/Messages.json`, a form with basic credentials.
//!
//! There is no idempotency key. What surely was not taken is a retry; what may have been taken is
//! [`FailureClass::Unknown`], settled by the status callback, whose address carries the correlation id, or by a look at
//! the account's list. Segments and price come later and are not waited for. Source: the vendor's API description and
//! error dictionary.

mod classes;
mod config;
mod look_up;
mod wire;

pub use classes::{Origin, classify};
pub use config::TwilioConfig;
pub use wire::{CORRELATION, status};

use crate::{
    answers::{by_status, unreadable},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount, Sightings, SmsMessage, SmsProvider, Unsettled},
    whatsapp_cloud::masked,
};
use chrono::{DateTime, Utc};
use domain::messaging::{FailureClass, SendFailure};
use futures_util::future::BoxFuture;
use reqwest::{RequestBuilder, Response, Url, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use wire::Sender;

/// The longest answer that is read, in bytes: a page of messages with their texts.
const ANSWER_LIMIT: usize = 2 * 1024 * 1024;
/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Where status callbacks are taken, below the platform's own address.
pub const STATUS_PATH: &str = "/api/webhooks/twilio/status";

/// One account.
#[derive(Debug)]
pub struct Twilio {
    client: reqwest::Client,
    url: Url,
    config: TwilioConfig,
    token: SecretString,
    callback: Option<Url>,
    account: String,
}

impl Twilio {
    /// Makes the one client that all sends of the process share. `public_url`: where Twilio reaches this platform.
    pub fn new(config: &TwilioConfig, public_url: &str) -> Result<Self, HttpError> {
        let callback = Url::parse(&format!("{}{STATUS_PATH}", public_url.trim_end_matches('/'))).ok();
        let near = http::is_loopback(&config.base);
        Ok(Self {
            client: http::client(TIMEOUT, near)?,
            url: config.messages_url(),
            token: config.auth_tokens.first().cloned().unwrap_or_default(),
            // Twilio refuses messages that ask to be called back where it cannot reach
            callback: callback.filter(|url| near || !http::is_loopback(url)),
            account: format!("twilio:{}", config.account_sid),
            config: config.clone(),
        })
    }

    fn authorised(&self, call: RequestBuilder) -> RequestBuilder {
        call.basic_auth(&self.config.account_sid, Some(self.token.expose_secret()))
    }

    async fn call(&self, message: &SmsMessage) -> Result<Accepted, SendFailure> {
        let refused =
            |code: &'static str, detail: &str| Err(SendFailure::new(FailureClass::Request, Some(code.into()), detail));
        if message.body.chars().count() > wire::BODY_LIMIT {
            return refused("too_long", "the text is longer than 1600 characters");
        }
        let Some(sender) = wire::sender(&self.config, message) else {
            return refused(
                "no_sender",
                "TWILIO_SENDERS has no sender for the recipient's country, and there is none for all",
            );
        };
        let form = wire::form(message, sender, self.callback.as_ref());
        let call = self.authorised(self.client.post(self.url.clone())).form(&form);
        let answer = call.send().await.map_err(|error| unanswered(&error))?;
        let named = matches!(sender, Sender::From { own: true, .. });
        let body = read(answer, named, message.correlation.attempt).await?.0;
        let taken = serde_json::from_slice::<wire::Message>(&body).ok().and_then(wire::Message::id);
        taken
            .map(|provider_message_id| Accepted { provider_message_id, held: false })
            .ok_or_else(|| unreadable("accepted, but without a message id"))
    }

    async fn find(&self, attempt: &Unsettled) -> Result<Sightings, SendFailure> {
        let query = [("To", attempt.to.as_str()), ("PageSize", look_up::PAGE)];
        let call = self.authorised(self.client.get(self.url.clone())).query(&query);
        let answer = call.send().await.map_err(|error| unanswered(&error))?;
        let (body, headers) = read(answer, false, attempt.correlation.attempt).await?;
        let page = serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?;
        Ok(look_up::sightings(page, attempt, date(&headers)))
    }
}

impl SendingAccount for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.config.rate()
    }

    fn looks_up(&self) -> bool {
        true
    }

    fn look_up<'a>(&'a self, attempt: &'a Unsettled) -> BoxFuture<'a, Result<Sightings, SendFailure>> {
        Box::pin(self.find(attempt))
    }
}

impl SmsProvider for Twilio {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.call(message))
    }
}

/// By the provider's clock.
fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get("date")?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

async fn read(answer: Response, named: bool, attempt: i32) -> Result<(bytes::Bytes, HeaderMap), SendFailure> {
    let status = answer.status();
    let headers = answer.headers().clone();
    let after = http::retry_after(&headers);
    let body = bounded_body(answer, ANSWER_LIMIT).await;
    if status.is_success() {
        return Ok((body.map_err(|error| unreadable(&error.to_string()))?, headers));
    }
    let refusal = body.ok().and_then(|body| serde_json::from_slice::<wire::Refusal>(&body).ok());
    Err(match refusal {
        Some(refusal) => {
            let class = classify(refusal.code, Origin::Answer { status: status.as_u16(), after, named }, attempt);
            SendFailure::new(class, Some(refusal.code.to_string().into()), &masked(&refusal.message))
        }
        None => by_status(status, after, "TWILIO_BASE_URL and TWILIO_ACCOUNT_SID"),
    })
}
