//! SMS through Amazon SNS: `Publish` to a phone number, signed with Signature Version 4.
//!
//! There is no idempotency key and no word of what becomes of a message, so it ends `sent`; an attempt cut short stays
//! unconfirmed until the account's policy closes it. Source: the vendor's API reference.

mod config;
mod wire;

pub use config::SnsConfig;

use crate::{
    answers::{by_status, real_time, unreadable},
    http::{self, HttpError, bounded_body, unanswered},
    messaging::{Accepted, SendRate, SendingAccount, SmsMessage, SmsProvider},
    whatsapp_cloud::masked,
};
use domain::messaging::SendFailure;
use futures_util::future::BoxFuture;
use reqwest::Response;
use std::time::Duration;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One region of one AWS account.
#[derive(Debug)]
pub struct SnsSms {
    client: reqwest::Client,
    config: SnsConfig,
    account: String,
}

impl SnsSms {
    /// Makes the one client that all sends of the process share.
    pub fn new(config: &SnsConfig) -> Result<Self, HttpError> {
        Ok(Self {
            client: http::client(TIMEOUT, http::is_loopback(&config.base))?,
            account: format!("sns:{}", config.aws.region),
            config: config.clone(),
        })
    }

    async fn call(&self, message: &SmsMessage) -> Result<Accepted, SendFailure> {
        let form = wire::form(&self.config, message);
        let call = self.client.post(self.config.base.clone()).form(&form);
        let mut request = call.build().map_err(|error| unanswered(&error))?;
        self.config.aws.sign("sns", &mut request, real_time())?;
        read(self.client.execute(request).await.map_err(|error| unanswered(&error))?).await
    }
}

impl SendingAccount for SnsSms {
    fn name(&self) -> &'static str {
        "sns"
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn rate(&self) -> SendRate {
        self.config.rate()
    }
}

impl SmsProvider for SnsSms {
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>> {
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
        let body = String::from_utf8_lossy(&body);
        let id = wire::element(&body, "MessageId").filter(|id| id.len() <= 255);
        return id
            .map(|id| Accepted { provider_message_id: id.to_owned(), held: false })
            .ok_or_else(|| unreadable("accepted, but without a message id"));
    }
    let body = body.map(|body| String::from_utf8_lossy(&body).into_owned()).unwrap_or_default();
    Err(match wire::element(&body, "Code") {
        Some(code) => {
            let class = wire::classify(code, status.as_u16(), after);
            let detail = wire::element(&body, "Message").unwrap_or_default();
            SendFailure::new(class, Some(code.chars().take(50).collect::<String>().into()), &masked(detail))
        }
        None => by_status(status, after, "SNS_BASE_URL"),
    })
}
