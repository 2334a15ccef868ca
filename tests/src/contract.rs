//! A vendor's API description (OpenAPI 3), as a judge of calls and answers: paths, queries, and bodies of JSON or forms.
//!
//! What JSON Schema does not know of OpenAPI is put into its words. A form's fields are texts, so each is read as the
//! type that is described; a field that is not described is refused, as a misspelled one would go unnoticed.

use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// SendGrid's, cut to sending.
pub const SENDGRID: &str = include_str!("../contracts/sendgrid.json");
/// Twilio's, cut to messages.
pub const TWILIO: &str = include_str!("../contracts/twilio.json");

/// A description, ready to judge.
pub struct Description {
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    /// The path's parts; what is in braces stands for any.
    parts: Vec<String>,
    parameters: Vec<Parameter>,
    /// By content type.
    bodies: Vec<(String, Value, Validator)>,
    /// By status.
    answers: Vec<(String, Validator)>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    schema: Value,
    judge: Validator,
}

/// A call, as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path, and perhaps a query.
    pub path: &'a str,
    /// The body's type, perhaps with parameters.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Description {
    /// Reads a description.
    pub fn load(text: &str) -> Result<Self> {
        let mut description: Value = serde_json::from_str(text)?;
        normalise(&mut description);
        let components = description["components"].clone();
        let mut operations = Vec::new();
        for (path, methods) in description["paths"].as_object().context("the description has paths")? {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                    let read = Operation::read(method, path, operation, &components);
                    operations.push(read.with_context(|| format!("{method} {path}"))?);
                }
            }
        }
        Ok(Self { operations })
    }

    /// What the description has against a call; empty when it is as described.
    pub fn against_call(&self, call: Called<'_>) -> Vec<String> {
        let (path, query) = call.path.split_once('?').unwrap_or((call.path, ""));
        let Some((operation, taken)) = self.find(call.method, path) else {
            return vec![format!("{} {path}: not described", call.method)];
        };
        let mut against = operation.against_parameters(&taken, query);
        against.extend(operation.against_body(call.content_type, call.body));
        against
    }

    /// What the description has against the answer to a call.
    pub fn against_answer(&self, method: &str, path: &str, status: u16, answer: &Value) -> Vec<String> {
        let path = path.split('?').next().unwrap_or_default();
        let Some((operation, _)) = self.find(method, path) else { return vec![format!("{path}: not described")] };
        match operation.answers.iter().find(|(described, _)| *described == status.to_string()) {
            Some((_, judge)) => faults(judge, answer),
            None => vec![format!("{status}: not described")],
        }
    }

    /// The operation, and what its path's parameters are.
    fn find<'a>(&'a self, method: &str, path: &str) -> Option<(&'a Operation, Vec<(String, String)>)> {
        let given: Vec<&str> = path.split('/').collect();
        self.operations.iter().filter(|operation| operation.method.eq_ignore_ascii_case(method)).find_map(|operation| {
            let taken = matched(&operation.parts, &given)?;
            Some((operation, taken))
        })
    }
}

fn matched(parts: &[String], given: &[&str]) -> Option<Vec<(String, String)>> {
    if parts.len() != given.len() {
        return None;
    }
    let mut taken = Vec::new();
    for (part, value) in parts.iter().zip(given) {
        match part.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
            Some((before, (name, after))) => {
                let inner = value.strip_prefix(before)?.strip_suffix(after)?;
                taken.push((name.to_owned(), inner.to_owned()));
            }
            None if part == value => {}
            None => return None,
        }
    }
    Some(taken)
}

impl Operation {
    fn read(method: &str, path: &str, operation: &Value, components: &Value) -> Result<Self> {
        let judge = |schema: &Value| judge_of(schema, components);
        let mut parameters = Vec::new();
        for given in operation["parameters"].as_array().into_iter().flatten() {
            let given = resolved(given, components);
            let schema = resolved(&given["schema"], components);
            parameters.push(Parameter {
                name: given["name"].as_str().context("a parameter has a name")?.to_owned(),
                place: given["in"].as_str().unwrap_or_default().to_owned(),
                required: given["required"] == true,
                judge: judge(&schema)?,
                schema,
            });
        }
        let mut bodies = Vec::new();
        let body = resolved(&operation["requestBody"], components);
        for (kind, body) in body["content"].as_object().into_iter().flatten() {
            let schema = resolved(&body["schema"], components);
            let judge = judge(&schema)?;
            bodies.push((kind.clone(), expanded(schema, components), judge));
        }
        let mut answers = Vec::new();
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            let answer = resolved(answer, components);
            let schema = &answer["content"]["application/json"]["schema"];
            if !schema.is_null() {
                answers.push((status.clone(), judge(schema)?));
            }
        }
        let parts = path.split('/').map(str::to_owned).collect();
        Ok(Self { method: method.to_owned(), parts, parameters, bodies, answers })
    }

    fn against_parameters(&self, path: &[(String, String)], query: &str) -> Vec<String> {
        let query: Vec<(String, String)> = form_urlencoded(query.as_bytes());
        let mut against = Vec::new();
        for parameter in &self.parameters {
            let given = if parameter.place == "path" { path } else { &query[..] };
            let value = given.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value);
            match value {
                Some(value) => against.extend(faults(&parameter.judge, &typed(value, &parameter.schema))),
                None if parameter.required && parameter.place != "header" => {
                    against.push(format!("{}: missing", parameter.name));
                }
                None => {}
            }
        }
        let described = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        against.extend(
            query.iter().filter(|(name, _)| !described(name)).map(|(name, _)| format!("{name}: not described")),
        );
        against
    }

    fn against_body(&self, content_type: &str, body: &[u8]) -> Vec<String> {
        if self.bodies.is_empty() {
            return if body.is_empty() { Vec::new() } else { vec!["there is a body".to_owned()] };
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Some((_, schema, judge)) = self.bodies.iter().find(|(described, _, _)| *described == kind) else {
            return vec![format!("content type {kind}: not described")];
        };
        if kind == "application/x-www-form-urlencoded" {
            let (form, mut against) = form(body, schema);
            against.extend(faults(judge, &form));
            return against;
        }
        match serde_json::from_slice(body) {
            Ok(value) => faults(judge, &value),
            Err(error) => vec![format!("not JSON: {error}")],
        }
    }
}

/// A form as the object that its schema describes, and the fields that it does not.
fn form(body: &[u8], schema: &Value) -> (Value, Vec<String>) {
    let (mut object, mut against) = (Map::new(), Vec::new());
    for (name, value) in form_urlencoded(body) {
        let described = &schema["properties"][&name];
        if described.is_null() {
            against.push(format!("{name}: not described"));
        } else if described["type"] == "array" {
            let items = object.entry(name).or_insert_with(|| json!([]));
            items.as_array_mut().into_iter().for_each(|items| items.push(typed(&value, &described["items"])));
        } else if object.insert(name.clone(), typed(&value, described)).is_some() {
            against.push(format!("{name}: given twice"));
        }
    }
    (Value::Object(object), against)
}

/// A text as the type that is described, where it reads as one.
fn typed(text: &str, schema: &Value) -> Value {
    let read = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => text.parse::<f64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

/// The fields of a form or a query.
pub fn form_urlencoded(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn resolved(schema: &Value, components: &Value) -> Value {
    let named = schema["$ref"].as_str().and_then(|path| components.pointer(path.strip_prefix("#/components")?));
    named.unwrap_or(schema).clone()
}

/// With the types of its properties in place, so that a form's texts can be read as them.
fn expanded(mut schema: Value, components: &Value) -> Value {
    for property in schema["properties"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        *property = resolved(property, components);
    }
    schema
}

fn judge_of(schema: &Value, components: &Value) -> Result<Validator> {
    let mut whole = schema.clone();
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("components".to_owned(), components.clone());
    }
    jsonschema::draft202012::new(&whole).map_err(|error| anyhow!("{error}"))
}

/// What a schema has against a value.
pub fn faults(judge: &Validator, value: &Value) -> Vec<String> {
    if judge.is_valid(value) {
        return Vec::new();
    }
    judge.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path)).take(12).collect()
}

/// OpenAPI 3.0 says `nullable` where JSON Schema names a second type.
pub fn normalise(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(fields) => {
            fields.values_mut().for_each(normalise);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                if let Some(Value::String(one)) = fields.get("type") {
                    let both = json!([one, "null"]);
                    fields.insert("type".to_owned(), both);
                }
                if let Some(Value::Array(allowed)) = fields.get_mut("enum") {
                    allowed.push(Value::Null);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json";

    fn post<'a>(path: &'a str, body: &'a str) -> Called<'a> {
        Called { method: "POST", path, content_type: "application/x-www-form-urlencoded", body: body.as_bytes() }
    }

    #[test]
    fn what_is_as_described_passes() {
        let twilio = Description::load(TWILIO).unwrap();
        let body =
            "To=%2B919876543210&From=%2B15005550006&Body=x&ValidityPeriod=60&StatusCallback=https%3A%2F%2Fa.example";
        assert_eq!(twilio.against_call(post(PATH, body)), Vec::<String>::new());
        let list = format!("{PATH}?To=%2B919876543210&PageSize=50");
        let get = Called { method: "GET", path: &list, content_type: "", body: b"" };
        assert_eq!(twilio.against_call(get), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_does_not() {
        let twilio = Description::load(TWILIO).unwrap();
        for (path, body) in [
            (PATH, "From=%2B15005550006&Body=x"),
            (PATH, "To=%2B1&Bodi=x"),
            (PATH, "To=%2B1&To=%2B2"),
            (PATH, "To=%2B1&ValidityPeriod=soon"),
            (PATH, "To=%2B1&MessagingServiceSid=MG1"),
            (PATH, "To=%2B1&RiskCheck=maybe"),
            ("/2010-04-01/Accounts/AC1/Messages.json", "To=%2B1"),
            ("/2010-04-01/Accounts/Messages.json", "To=%2B1"),
            (&format!("{PATH}?Nonsense=1"), "To=%2B1"),
        ] {
            assert!(!twilio.against_call(post(path, body)).is_empty(), "{path} {body}");
        }
        let json = Called { content_type: "application/json", ..post(PATH, "{}") };
        assert!(!twilio.against_call(json).is_empty());
    }
}
