//! SMS through TextLocal of India: `POST {base}/send/`, a form that carries the key.
//!
//! Answers are HTTP 200 whatever they say, so the body decides, by its codes. There is no idempotency key; receipts come
//! back to an address with a secret in it and name the message by `custom`, the correlation id. An attempt cut short
//! waits for its receipt. Source: the vendor's API documentation.

mod config;
mod wire;

pub use config::TextlocalConfig;

use crate::{
    answers::{by_status, unreadable},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount, SmsMessage, SmsProvider},
    whatsapp_cloud::masked,
};
use domain::messaging::SendFailure;
use futures_util::future::BoxFuture;
use reqwest::{Response, Url};
use secrecy::ExposeSecret;
use std::time::Duration;
use wire::Outcome;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 256 * 1024;
/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Where receipts are taken, below the platform's own address; the secret follows.
pub const RECEIPT_PATH: &str = "/api/webhooks/textlocal/";

/// One account.
#[derive(Debug)]
pub struct Textlocal {
    client: reqwest::Client,
    url: Url,
    config: TextlocalConfig,
    public_url: Option<Url>,
    account: String,
}

impl Textlocal {
    /// Makes the one client that all sends of the process share. `public_url`: where TextLocal reaches this platform.
    pub fn new(config: &TextlocalConfig, public_url: &str) -> Result<Self, HttpError> {
        let near = http::is_loopback(&config.base);
        Ok(Self {
            client: http::client(TIMEOUT, near)?,
            url: config.send_url(),
            public_url: Url::parse(public_url).ok().filter(|url| near || !http::is_loopback(url)),
            account: format!("textlocal:{}", config.sender),
            config: config.clone(),
        })
    }

    fn receipts(&self) -> Option<Url> {
        let secret = self.config.receipt_secrets.first()?;
        let mut url = self.public_url.clone()?;
        let path = format!("{}{RECEIPT_PATH}{}", url.path().trim_end_matches('/'), secret.expose_secret());
        url.set_path(&path);
        Some(url)
    }

    async fn call(&self, message: &SmsMessage) -> Result<Accepted, SendFailure> {
        let header = message.registration.as_ref().and_then(|registration| registration.header.as_deref());
        let own = message.sender.as_deref().or(header);
        let sender = own.unwrap_or(&self.config.sender);
        let form = wire::form(message, &self.config.api_key, sender, self.receipts().as_ref());
        let answer = self.client.post(self.url.clone()).form(&form).send().await.map_err(|error| unanswered(&error))?;
        read(answer, own.is_some_and(|own| own != self.config.sender)).await
    }
}

impl SendingAccount for Textlocal {
    fn name(&self) -> &'static str {
        "textlocal"
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.config.rate()
    }
}

impl SmsProvider for Textlocal {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
        Box::pin(self.call(message))
    }
}

async fn read(answer: Response, named: bool) -> Result<Accepted, SendFailure> {
    let status = answer.status();
    let after = http::retry_after(answer.headers());
    let body = bounded_body(answer, ANSWER_LIMIT).await;
    let outcome = match &body {
        Ok(body) => wire::outcome(body),
        Err(error) if status.is_success() => return Err(unreadable(&error.to_string())),
        Err(_) => None,
    };
    match outcome {
        Some(Outcome::Taken(provider_message_id)) if status.is_success() => {
            Ok(Accepted { provider_message_id, held: false })
        }
        Some(Outcome::Refused(fault)) => {
            let code = fault.code();
            let name = code.map_or_else(|| "failure".to_owned(), |code| code.to_string());
            Err(SendFailure::new(wire::classify(code, named), Some(name.into()), &masked(&fault.message)))
        }
        _ if status.is_success() => Err(unreadable("an answer without a message id")),
        _ => Err(by_status(status, after, "TEXTLOCAL_BASE_URL")),
    }
}
