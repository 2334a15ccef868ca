//! What belongs to a business account and not to a number: templates and flows.
//!
//! Calls are the vendor's Business Management API. Failures are sorted as those of messages are: a call without an
//! answer may have been taken, and whoever repeats it looks first.

use super::{WhatsappConfig, refused};
use crate::{
    answers::unreadable,
    http::{self, HttpError, bounded_body, unanswered},
};
use domain::messaging::{FailureClass, SendFailure};
use reqwest::{Client, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;

/// The longest answer that is read, in bytes: a page of templates.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// The longest a call may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A business account.
#[derive(Debug)]
pub struct WhatsappManager {
    pub(super) client: Client,
    config: WhatsappConfig,
    token: SecretString,
    business_account: String,
    account: String,
}

impl WhatsappManager {
    /// `None` unless the business account is known.
    pub fn new(config: &WhatsappConfig) -> Result<Option<Self>, HttpError> {
        let Some(business_account) = config.business_account_id.clone() else { return Ok(None) };
        Ok(Some(Self {
            client: http::client(TIMEOUT, config.is_loopback())?,
            config: config.clone(),
            token: config.access_token.clone(),
            account: format!("whatsapp:{}", config.phone_number_id),
            business_account,
        }))
    }

    /// The sending account that its templates are for.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Something that the business account has.
    pub(super) fn of_account(&self, edge: &str) -> Url {
        self.config.url(&self.business_account, edge)
    }

    /// Something that an object has, or the object itself.
    pub(super) fn of_object(&self, object: &str, edge: &str) -> Result<Url, SendFailure> {
        let is_id =
            !object.is_empty() && object.len() <= 64 && object.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match is_id {
            true => Ok(self.config.url(object, edge)),
            false => Err(SendFailure::new(FailureClass::Request, Some("id".into()), "not an id of the provider's")),
        }
    }

    /// Makes a call; the answer's JSON.
    pub(super) async fn call(&self, request: RequestBuilder) -> Result<Value, SendFailure> {
        let request = request.bearer_auth(self.token.expose_secret());
        let answer = request.send().await.map_err(|error| unanswered(&error))?;
        let (status, after) = (answer.status(), http::retry_after(answer.headers()));
        let body = bounded_body(answer, ANSWER_LIMIT).await;
        if !status.is_success() {
            return Err(refused(status, after, &body.unwrap_or_default()));
        }
        let body = body.map_err(|error| unreadable(&error.to_string()))?;
        serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))
    }
}
