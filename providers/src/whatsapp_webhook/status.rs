//! A status: how one of our messages fares.

use crate::{
    messaging::StatusEvent,
    whatsapp_cloud::{classify, masked},
};
use domain::{
    contact::Phone,
    messaging::{Correlation, FailureClass, MessageStatus, SendFailure},
};
use serde_json::Value;

/// The event and its id; `None` for what is no status of a message.
pub(super) fn read(item: &Value) -> Option<(String, StatusEvent)> {
    let wamid = item["id"].as_str().filter(|id| (1..=255).contains(&id.len()))?;
    let name = item["status"].as_str()?;
    let status = match name {
        "sent" => MessageStatus::Sent,
        "delivered" => MessageStatus::Delivered,
        // a voice message that was listened to
        "read" | "played" => MessageStatus::Read,
        "failed" => MessageStatus::Failed,
        _ => return None,
    };
    let stamp = match &item["timestamp"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let correlation: Option<Correlation> = item["biz_opaque_callback_data"].as_str().and_then(|text| text.parse().ok());
    let event = StatusEvent {
        provider_message_id: wamid.to_owned(),
        correlation,
        status,
        recipient: item["recipient_id"].as_str().and_then(phone).map(String::from),
        failure: (status == MessageStatus::Failed).then(|| failure(&item["errors"][0])),
        bounce: None,
        cost: None,
    };
    Some((format!("{wamid}:{name}:{stamp}"), event))
}

fn failure(error: &Value) -> SendFailure {
    let code = error["code"].as_i64().or_else(|| error["code"].as_str()?.parse().ok());
    let texts = [&error["error_data"]["details"], &error["message"], &error["title"]];
    let text = texts.into_iter().find_map(Value::as_str).unwrap_or("no reason given");
    let class = code.map_or(FailureClass::Recipient, |code| classify(code, None, None));
    SendFailure::new(class, code.map(|code| code.to_string().into()), &masked(text))
}

/// A WhatsApp id that is a phone number: its digits.
pub(super) fn phone(digits: &str) -> Option<Phone> {
    format!("+{}", digits.trim_start_matches('+')).parse().ok()
}
