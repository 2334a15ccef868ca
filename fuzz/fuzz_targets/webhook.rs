//! Any bytes as the body of a webhook whose signature was right.
#![no_main]

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use providers::messaging::ProviderEvent;
use providers::whatsapp_webhook::{EVENT_LIMIT, parse};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let received_at = DateTime::from_timestamp(1_750_000_000, 0).unwrap_or_default();
    let Ok(events) = parse(bytes, received_at) else { return };
    assert!(events.len() <= EVENT_LIMIT);
    for event in events {
        assert!(!event.id.is_empty() && event.id.len() <= ProviderEvent::ID_LIMIT);
        assert!(!event.id.contains('\0') && storable(&event.payload));
    }
});

/// Whether PostgreSQL can keep it: NUL goes into neither text nor JSONB.
fn storable(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(storable),
        Value::Object(fields) => fields.iter().all(|(name, value)| !name.contains('\0') && storable(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
