//! The forms and answers of Twilio's `Messages` resource.

use super::TwilioConfig;
use crate::messaging::SmsMessage;
use chrono::{DateTime, Utc};
use domain::messaging::{MessageStatus, price::Cost};
use reqwest::Url;
use serde::Deserialize;

/// The longest text, in characters.
pub(super) const BODY_LIMIT: usize = 1_600;
/// The longest that Twilio keeps a message in its queue, in seconds.
const LONGEST_VALIDITY: u64 = 36_000;

/// The name of the query parameter that carries the correlation id through a status callback.
pub const CORRELATION: &str = "m";

/// Who a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender<'a> {
    /// A number or a name; `own`: the message's, not the account's.
    From { sender: &'a str, own: bool },
    /// A pool that Twilio chooses from.
    Service(&'a str),
}

/// The message's own sender, the header it is registered with, the country's, the pool's, or the account's.
pub(super) fn sender<'a>(config: &'a TwilioConfig, message: &'a SmsMessage) -> Option<Sender<'a>> {
    let header = message.registration.as_ref().and_then(|registration| registration.header.as_deref());
    let own = message.sender.as_deref().or(header);
    let of_country = || message.to.country().and_then(|country| config.senders.get(&country)).map(String::as_str);
    let from = |own| move |sender| Sender::From { sender, own };
    own.map(from(true))
        .or_else(|| of_country().map(from(false)))
        .or_else(|| config.messaging_service_sid.as_deref().map(Sender::Service))
        .or_else(|| config.from.as_deref().map(from(false)))
}

/// The form for one message.
pub(super) fn form(message: &SmsMessage, sender: Sender<'_>, callback: Option<&Url>) -> Vec<(&'static str, String)> {
    let mut form = vec![("To", message.to.to_string()), ("Body", message.body.clone())];
    form.push(match sender {
        Sender::From { sender, .. } => ("From", sender.to_owned()),
        Sender::Service(sid) => ("MessagingServiceSid", sid.to_owned()),
    });
    if let Some(callback) = callback {
        let mut url = callback.clone();
        url.query_pairs_mut().append_pair(CORRELATION, &message.correlation.to_string());
        form.push(("StatusCallback", url.into()));
    }
    if let Some(validity) = message.validity {
        form.push(("ValidityPeriod", validity.as_secs().clamp(1, LONGEST_VALIDITY).to_string()));
    }
    form
}

/// A message as Twilio has it.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub sid: Option<String>,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    direction: String,
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    date_updated: Option<String>,
    #[serde(default)]
    pub error_code: Option<i64>,
    #[serde(default)]
    pub error_message: Option<String>,
    #[serde(default)]
    price: Option<String>,
    #[serde(default)]
    price_unit: Option<String>,
}

impl Message {
    /// Its id, when it has one.
    pub fn id(self) -> Option<String> {
        self.sid.filter(|sid| (1..=64).contains(&sid.len()))
    }

    /// Whether a call of ours made it.
    pub fn is_ours(&self) -> bool {
        self.direction == "outbound-api"
    }

    /// To the second.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        time(self.date_created.as_deref()?)
    }

    /// When it last changed, to the second.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        time(self.date_updated.as_deref()?)
    }

    /// What it cost, once that is known.
    pub fn cost(&self) -> Option<Cost> {
        Cost::charged(self.price.as_deref()?, self.price_unit.as_deref()?)
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

/// Where a message stands, by Twilio's word for it; `None` for words that are not of an outbound message.
pub fn status(word: &str) -> Option<MessageStatus> {
    Some(match word {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" | "partially_delivered" => MessageStatus::Sent,
        "delivered" => MessageStatus::Delivered,
        "read" => MessageStatus::Read,
        "undelivered" | "failed" | "canceled" => MessageStatus::Failed,
        _ => return None,
    })
}

/// A page of messages, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub messages: Vec<Message>,
    #[serde(default)]
    pub next_page_uri: Option<String>,
}

/// An answer that is an error.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub code: i64,
    #[serde(default)]
    pub message: String,
}
