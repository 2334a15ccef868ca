//! One delivery taken apart: an array of events, of any messages in any order.

use super::bounce::{bounced, dropped};
use crate::{
    email::masked,
    messaging::{EventKind, FeedbackEvent, ProviderEvent, StatusEvent},
    sendgrid::CORRELATION_ARGUMENT,
    webhook_json::{address, fitting, hashed, plausible, storable},
};
use chrono::{DateTime, Utc};
use domain::messaging::{Correlation, Feedback, MessageStatus};
use serde_json::Value;

/// The longest delivery, in bytes; the vendor batches up to 768 KB.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// The most events one delivery may hold.
pub const EVENT_LIMIT: usize = 20_000;
/// The longest link that is kept, in bytes.
const LINK_LIMIT: usize = 2_000;

/// A delivery that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Longer than [`BODY_LIMIT`].
    #[error("the delivery is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// More than [`EVENT_LIMIT`] events.
    #[error("the delivery holds more than {EVENT_LIMIT} events")]
    TooMany,
    /// Not JSON, or nested too deeply.
    #[error("the delivery is not JSON")]
    NotJson(#[from] serde_json::Error),
}

/// Reads a delivery whose signature has been checked. `received_at` stands in for times that cannot be read.
pub fn parse(body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<ProviderEvent>, WebhookError> {
    if body.len() > BODY_LIMIT {
        return Err(WebhookError::TooLong);
    }
    let items = match storable(serde_json::from_slice(body)?) {
        Value::Array(items) => items,
        other => vec![other],
    };
    if items.len() > EVENT_LIMIT {
        return Err(WebhookError::TooMany);
    }
    Ok(items.into_iter().map(|item| event(item, received_at)).collect())
}

fn event(item: Value, received_at: DateTime<Utc>) -> ProviderEvent {
    let id = match item["sg_event_id"].as_str().filter(|id| !id.is_empty()) {
        Some(id) => fitting(id.to_owned()),
        None => hashed("content", &[&item.to_string()]),
    };
    let seconds = item["timestamp"].as_i64().or_else(|| item["timestamp"].as_str()?.parse().ok());
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).and_then(plausible);
    let kind = kind_of(&item).unwrap_or(EventKind::Other);
    ProviderEvent { id, occurred_at: time.unwrap_or(received_at), payload: item, kind }
}

/// `None` for what says nothing about a message of ours that we do not know already.
fn kind_of(item: &Value) -> Option<EventKind> {
    let correlation: Option<Correlation> = item[CORRELATION_ARGUMENT].as_str().and_then(|text| text.parse().ok());
    let provider_message_id = message_id(item).or_else(|| correlation.map(|correlation| correlation.to_string()))?;
    let recipient = address(&item["email"]);
    let status = |status: MessageStatus| StatusEvent {
        provider_message_id: provider_message_id.clone(),
        correlation,
        status,
        recipient: recipient.clone(),
        failure: None,
        bounce: None,
        cost: None,
    };
    let feedback = |feedback: Feedback| FeedbackEvent {
        provider_message_id: provider_message_id.clone(),
        correlation,
        feedback,
        recipient: recipient.clone(),
        url: None,
        automatic: false,
        detail: None,
    };
    Some(match item["event"].as_str()? {
        "delivered" => EventKind::Status(status(MessageStatus::Delivered)),
        "bounce" => {
            let (bounce, failure) = bounced(item);
            let failed = status(MessageStatus::Failed);
            EventKind::Status(StatusEvent { failure: Some(failure), bounce: Some(bounce), ..failed })
        }
        "dropped" => {
            let (bounce, failure) = dropped(item);
            EventKind::Status(StatusEvent { failure: Some(failure), bounce, ..status(MessageStatus::Failed) })
        }
        "deferred" => {
            let said = item["response"].as_str().or_else(|| item["reason"].as_str());
            let detail = said.map(|said| masked(said).chars().take(300).collect());
            EventKind::Feedback(FeedbackEvent { detail, ..feedback(Feedback::Deferred) })
        }
        "open" => {
            let automatic = item["sg_machine_open"].as_bool().unwrap_or(false);
            EventKind::Feedback(FeedbackEvent { automatic, ..feedback(Feedback::Opened) })
        }
        "click" => {
            let url = item["url"].as_str().filter(|url| url.len() <= LINK_LIMIT).map(str::to_owned);
            EventKind::Feedback(FeedbackEvent { url, ..feedback(Feedback::Clicked) })
        }
        "spamreport" => EventKind::Feedback(feedback(Feedback::Complained)),
        "unsubscribe" | "group_unsubscribe" => EventKind::Feedback(feedback(Feedback::Unsubscribed)),
        _ => return None,
    })
}

/// The id that the call was answered with: events have more behind it.
fn message_id(item: &Value) -> Option<String> {
    let id = item["sg_message_id"].as_str()?;
    let end = [".filter", ".recvd"].iter().filter_map(|mark| id.find(mark)).min().unwrap_or(id.len());
    let id = &id[..end];
    (1..=255).contains(&id.len()).then(|| id.to_owned())
}
