//! A template as the audit log keeps it. Nothing fails.

use schema::templates::{TemplateRow, TemplateText};
use serde_json::{Value, json};

/// As it was kept.
pub fn row(row: &TemplateRow) -> Value {
    json!({
        "name": row.name, "type": row.template_type, "subject": row.subject, "content": row.content,
        "variables": row.variables, "providerName": row.provider_name, "language": row.language,
        "isActive": row.is_active, "purpose": row.purpose, "topic": row.topic, "format": row.format,
        "tracked": row.tracked, "extras": row.extras, "version": row.version,
    })
}

/// As it is written.
pub fn text(text: &TemplateText<'_>) -> Value {
    json!({
        "name": text.name, "type": text.channel, "subject": text.subject, "content": text.content,
        "variables": text.variables, "providerName": text.provider_name, "language": text.language,
        "isActive": text.is_active, "purpose": text.purpose, "topic": text.topic,
        "format": if text.is_html { "html" } else { "text" }, "tracked": text.tracked, "extras": text.extras,
        "languages": text.variants.iter().map(|variant| variant.language.as_str()).collect::<Vec<_>>(),
    })
}
