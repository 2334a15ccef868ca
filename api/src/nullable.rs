//! What poem-openapi leaves out of the OpenAPI document: a member that may be left out may be null as well, in bodies and
//! in answers (OpenAPI 3.0.3, `nullable`). A document that cannot be read stays as it is.

use serde_json::{Map, Value, json};

/// The document, with each such member marked.
pub fn marked(document: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(document) else { return document.to_owned() };
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.values_mut().for_each(may_be_null);
    }
    document.to_string()
}

/// Marks what a schema does not require, in itself and in the schemas within it.
fn may_be_null(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    let required: Vec<String> =
        schema.get("required").and_then(|names| serde_json::from_value(names.clone()).ok()).unwrap_or_default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            may_be_null(property);
            if !required.contains(name) {
                mark(property);
            }
        }
    }
    for within in ["items", "additionalProperties"] {
        schema.get_mut(within).into_iter().for_each(may_be_null);
    }
    for several in ["allOf", "anyOf", "oneOf"] {
        schema.get_mut(several).and_then(Value::as_array_mut).into_iter().flatten().for_each(may_be_null);
    }
}

fn mark(property: &mut Value) {
    let Value::Object(schema) = property else { return };
    // nothing counts beside a reference
    if let Some(reference) = schema.remove("$ref") {
        *schema = Map::from_iter([("allOf".to_owned(), json!([{"$ref": reference}]))]);
    }
    // null has to be among the values that are allowed
    if let Some(Value::Array(allowed)) = schema.get_mut("enum") {
        allowed.push(Value::Null);
    }
    schema.insert("nullable".to_owned(), Value::Bool(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_required_may_be_null() {
        let given = json!({"components": {"schemas": {"A": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string", "enum": ["a"]},
                "other": {"$ref": "#/components/schemas/A"},
            },
        }}}});
        let properties = &serde_json::from_str::<Value>(&marked(&given.to_string())).unwrap()["components"]["schemas"]
            ["A"]["properties"];
        assert_eq!(properties["id"], json!({"type": "string"}));
        assert_eq!(properties["name"], json!({"type": "string", "enum": ["a", null], "nullable": true}));
        assert_eq!(properties["other"], json!({"allOf": [{"$ref": "#/components/schemas/A"}], "nullable": true}));
        assert_eq!(marked("nonsense"), "nonsense");
    }
}
