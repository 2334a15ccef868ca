//! One delivery taken apart: entries, their changes, and in each change the statuses and messages.

use super::{inbound, status};
use crate::{
    messaging::{EventKind, ProviderEvent},
    webhook_json::{fitting, list, plausible, storable},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The longest delivery, in bytes; the vendor's own limit is 3 MB.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// The most events one delivery may hold.
pub const EVENT_LIMIT: usize = 20_000;

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
    let delivery = storable(serde_json::from_slice(body)?);
    let mut events = Events { list: Vec::new(), received_at };
    let entries = list(&delivery, "entry");
    if delivery["object"] != "whatsapp_business_account" || entries.is_empty() {
        events.other(&delivery)?;
        return Ok(events.list);
    }
    for entry in entries {
        let changes = list(entry, "changes");
        if changes.is_empty() {
            events.other(entry)?;
        }
        for change in changes {
            events.change(change)?;
        }
    }
    Ok(events.list)
}

struct Events {
    list: Vec<ProviderEvent>,
    received_at: DateTime<Utc>,
}

impl Events {
    fn change(&mut self, change: &Value) -> Result<(), WebhookError> {
        let value = &change["value"];
        let (statuses, messages) = (list(value, "statuses"), list(value, "messages"));
        if change["field"] != "messages" || (statuses.is_empty() && messages.is_empty()) {
            return self.other(change);
        }
        for item in statuses {
            let payload = json!({"metadata": value["metadata"], "status": item});
            match status::read(item) {
                Some((id, status)) => self.push(id, item, payload, EventKind::Status(status))?,
                None => self.other(&payload)?,
            }
        }
        for item in messages {
            let contact = inbound::contact_of(item, list(value, "contacts"));
            let payload = json!({"metadata": value["metadata"], "contact": contact, "message": item});
            match inbound::read(item, contact) {
                Some((id, message)) => self.push(id, item, payload, EventKind::Inbound(message))?,
                None => self.other(&payload)?,
            }
        }
        Ok(())
    }

    fn other(&mut self, payload: &Value) -> Result<(), WebhookError> {
        let id = format!("other:{}", hex::encode(Sha256::digest(payload.to_string().as_bytes())));
        self.push(id, &Value::Null, payload.clone(), EventKind::Other)
    }

    fn push(&mut self, id: String, item: &Value, payload: Value, kind: EventKind) -> Result<(), WebhookError> {
        if self.list.len() == EVENT_LIMIT {
            return Err(WebhookError::TooMany);
        }
        let id = fitting(id);
        let occurred_at = time_of(item).unwrap_or(self.received_at);
        self.list.push(ProviderEvent { id, occurred_at, payload, kind });
        Ok(())
    }
}

/// Seconds since 1970, as text or number; a time before 2009 (there was no WhatsApp) or after 2100 is none.
fn time_of(item: &Value) -> Option<DateTime<Utc>> {
    let stamp = &item["timestamp"];
    let seconds = stamp.as_i64().or_else(|| stamp.as_str()?.parse().ok())?;
    DateTime::from_timestamp(seconds, 0).and_then(plausible)
}
