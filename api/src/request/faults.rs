//! Holds a JSON value against a type's schema, to name every field at fault.
//!
//! Used once reading has failed: it explains, it does not decide; except where reading is more lenient than the schema
//! ([`not_text`]).

use crate::envelope::FieldFault;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;

/// What is told of a member that is no text.
const NOT_TEXT: &str = "expected text";
/// No caller reads more than this at once.
const MOST: usize = 50;

/// Every fault of `value` as a `T`, in order of the schema.
pub fn of<T: Type>(value: &Value) -> Vec<FieldFault> {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let mut search = Search { registry: &registry, found: Vec::new() };
    search.visit(&T::schema_ref(), value, "");
    search.found
}

/// Every number and every true or false where a text belongs: poem-openapi writes them out instead of refusing them.
pub fn not_text<T: Type>(value: &Value) -> Vec<FieldFault> {
    if !has_other_than_text(value) {
        return Vec::new();
    }
    let mut found = of::<T>(value);
    found.retain(|fault| fault.message == NOT_TEXT);
    found
}

fn has_other_than_text(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::Null | Value::String(_) => false,
        Value::Array(items) => items.iter().any(has_other_than_text),
        Value::Object(members) => members.values().any(has_other_than_text),
    }
}

/// Every text that holds NUL.
pub fn nul(value: &Value) -> Vec<FieldFault> {
    let mut found = Vec::new();
    search_nul(value, "", &mut found);
    found
}

fn search_nul(value: &Value, field: &str, found: &mut Vec<FieldFault>) {
    let fault = |field: &str| FieldFault { field: field.replace('\0', ""), message: "must not contain NUL".to_owned() };
    match value {
        _ if found.len() >= MOST => {}
        Value::String(text) if text.contains('\0') => found.push(fault(field)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| search_nul(item, &format!("{field}[{index}]"), found));
        }
        Value::Object(members) => {
            for (name, member) in members {
                let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                if name.contains('\0') {
                    found.push(fault(&path));
                }
                search_nul(member, &path, found);
            }
        }
        _ => {}
    }
}

/// A fault whose place is not known.
pub fn unplaced(reason: &str) -> FieldFault {
    let reason = reason.split(" (occurred while parsing").next().unwrap_or(reason);
    FieldFault { field: String::new(), message: reason.to_owned() }
}

struct Search<'a> {
    registry: &'a Registry,
    found: Vec<FieldFault>,
}

impl Search<'_> {
    fn fault(&mut self, field: &str, message: impl Into<String>) {
        if self.found.len() < MOST {
            self.found.push(FieldFault { field: field.to_owned(), message: message.into() });
        }
    }

    fn visit(&mut self, schema: &MetaSchemaRef, value: &Value, field: &str) {
        let registry = self.registry;
        let schema = match schema {
            MetaSchemaRef::Inline(schema) => schema.as_ref(),
            MetaSchemaRef::Reference(name) => match registry.schemas.get(name) {
                Some(schema) => schema,
                None => return,
            },
        };
        for part in &schema.all_of {
            self.visit(part, value, field);
        }
        match (schema.ty, value) {
            ("object", Value::Object(members)) => self.members(schema, members, field),
            ("array", Value::Array(items)) => self.items(schema, items, field),
            ("string", Value::String(text)) => self.text(schema, text, field),
            ("integer", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.number(schema, value, field)
            }
            ("number", Value::Number(_)) => self.number(schema, value, field),
            ("boolean", Value::Bool(_)) | ("", _) => {}
            (expected, _) => self.fault(field, format!("expected {}", noun(expected))),
        }
        if !schema.enum_items.is_empty() && value.is_string() && !schema.enum_items.contains(value) {
            let allowed: Vec<_> = schema.enum_items.iter().filter_map(Value::as_str).collect();
            self.fault(field, format!("expected one of {}", allowed.join(", ")));
        }
    }

    fn members(&mut self, schema: &MetaSchema, members: &serde_json::Map<String, Value>, field: &str) {
        for (name, member) in &schema.properties {
            let path = if field.is_empty() { (*name).to_owned() } else { format!("{field}.{name}") };
            match members.get(*name) {
                None | Some(Value::Null) if schema.required.contains(name) => self.fault(&path, "is required"),
                None | Some(Value::Null) => {}
                Some(value) => self.visit(member, value, &path),
            }
        }
        if let Some(rest) = &schema.additional_properties {
            let known = |name: &str| schema.properties.iter().any(|(property, _)| *property == name);
            for (name, value) in members.iter().filter(|(name, _)| !known(name)) {
                let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                self.visit(rest, value, &path);
            }
        }
    }

    fn items(&mut self, schema: &MetaSchema, items: &[Value], field: &str) {
        if schema.min_items.is_some_and(|least| items.len() < least) {
            self.fault(field, format!("expected at least {} items", schema.min_items.unwrap_or_default()));
        }
        if schema.max_items.is_some_and(|most| items.len() > most) {
            self.fault(field, format!("expected at most {} items", schema.max_items.unwrap_or_default()));
        }
        if let Some(item) = &schema.items {
            for (index, value) in items.iter().enumerate().take(MOST) {
                self.visit(item, value, &format!("{field}[{index}]"));
            }
        }
    }

    fn text(&mut self, schema: &MetaSchema, text: &str, field: &str) {
        let length = text.chars().count();
        if schema.min_length.is_some_and(|least| length < least) {
            self.fault(field, format!("expected at least {} characters", schema.min_length.unwrap_or_default()));
        }
        if schema.max_length.is_some_and(|most| length > most) {
            self.fault(field, format!("expected at most {} characters", schema.max_length.unwrap_or_default()));
        }
        let readable = match schema.format {
            Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            Some("date") => text.parse::<chrono::NaiveDate>().is_ok(),
            Some("uuid") => text.parse::<uuid::Uuid>().is_ok(),
            Some("decimal") => text.parse::<rust_decimal::Decimal>().is_ok(),
            _ => true,
        };
        if !readable {
            self.fault(field, format!("expected {}", format_noun(schema.format.unwrap_or_default())));
        }
        if let Some(example) = id_example(schema).filter(|example| !is_id_like(text, example)) {
            self.fault(field, format!("expected an id such as {example}"));
        }
    }

    fn number(&mut self, schema: &MetaSchema, value: &Value, field: &str) {
        let Some(number) = value.as_f64() else { return };
        if let Some(least) = schema.minimum.filter(|least| number < *least) {
            self.fault(field, format!("expected at least {least}"));
        }
        if let Some(most) = schema.maximum.filter(|most| number > *most) {
            self.fault(field, format!("expected at most {most}"));
        }
    }
}

/// The example of a typed id's schema: `upload-123`.
fn id_example(schema: &MetaSchema) -> Option<&str> {
    schema.pattern.as_ref().filter(|pattern| pattern.ends_with("-[1-9][0-9]*$"))?;
    schema.example.as_ref()?.as_str()
}

fn is_id_like(text: &str, example: &str) -> bool {
    let prefix = example.trim_end_matches(|c: char| c.is_ascii_digit());
    text.strip_prefix(prefix).is_some_and(|rest| rest.parse::<i64>().is_ok_and(|number| number > 0))
}

fn noun(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}

fn format_noun(format: &str) -> &str {
    match format {
        "date-time" => "a time such as 2024-05-15T14:00:00Z",
        "date" => "a date such as 2024-05-15",
        "uuid" => "a UUID",
        "decimal" => "a decimal number as text",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Id;
    use domain::ids::UploadId;
    use poem_openapi::Object;
    use serde_json::json;

    #[derive(Object)]
    #[oai(rename_all = "camelCase")]
    struct Part {
        #[oai(validator(minimum(value = "1")))]
        unit_count: i32,
    }

    #[derive(Object)]
    #[oai(rename_all = "camelCase")]
    struct Whole {
        #[oai(validator(min_length = 2, max_length = 5))]
        name: String,
        upload_id: Option<Id<UploadId>>,
        at: Option<chrono::DateTime<chrono::Utc>>,
        parts: Vec<Part>,
    }

    fn fields(value: Value) -> Vec<String> {
        of::<Whole>(&value).into_iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect()
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let value = json!({"name": "x", "uploadId": "campaign-1", "at": "soon", "parts": [{"unitCount": 0}, {}, 3]});
        assert_eq!(
            fields(value),
            [
                "name expected at least 2 characters",
                "uploadId expected an id such as upload-123",
                "at expected a time such as 2024-05-15T14:00:00Z",
                "parts[0].unitCount expected at least 1",
                "parts[1].unitCount is required",
                "parts[2] expected an object",
            ]
        );
    }

    #[test]
    fn a_value_without_fault_has_none() {
        assert!(fields(json!({"name": "book", "uploadId": "upload-7", "parts": []})).is_empty());
        assert_eq!(fields(json!([])), [" expected an object"]);
    }
}
