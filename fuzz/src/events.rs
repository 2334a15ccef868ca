//! What every event must be, whatever a provider sent: known by a bounded id, and fit for PostgreSQL.

use providers::messaging::{EventKind, ProviderEvent};
use serde_json::Value;

/// Panics when an event could not be kept.
pub fn check(event: &ProviderEvent) {
    assert!(!event.id.is_empty() && event.id.len() <= ProviderEvent::ID_LIMIT);
    assert!(!event.id.contains('\0') && storable(&event.payload));
    let (id, text) = match &event.kind {
        EventKind::Status(status) => (Some(&status.provider_message_id), None),
        EventKind::Feedback(feedback) => (Some(&feedback.provider_message_id), feedback.detail.as_ref()),
        EventKind::Inbound(inbound) => (Some(&inbound.provider_message_id), inbound.text.as_ref()),
        EventKind::Other => (None, None),
    };
    assert!(id.is_none_or(|id| (1..=255).contains(&id.len()) && !id.contains('\0')));
    assert!(text.is_none_or(|text| !text.contains('\0')));
}

/// Whether PostgreSQL can keep it: NUL goes into neither text nor JSONB.
pub fn storable(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(storable),
        Value::Object(fields) => fields.iter().all(|(name, value)| !name.contains('\0') && storable(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
