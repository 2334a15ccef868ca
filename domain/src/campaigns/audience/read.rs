//! Reads a filter's JSON. Fails with the place at fault and what would be right.
//!
//! A node is `{"and": […]}`, `{"or": […]}`, `{"not": {…}}` or `{"field": …, "operator": …, "value": …}`.

use super::{
    condition::{Condition, Quantity, Said},
    field::Field,
    read_related, read_test,
    tree::{Filter, FilterError, Node},
};
use crate::{
    ids::{SegmentId, UploadId},
    messaging::{Channel, Purpose},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::str::FromStr;

/// The most values in one list.
pub(super) const LIST_LIMIT: usize = 1_000;
/// The longest text, in characters.
pub(super) const TEXT_LIMIT: usize = 100;

pub(super) type Found<T> = Result<T, FilterError>;

pub(super) fn fault<T>(path: &str, problem: impl ToString) -> Found<T> {
    Err(FilterError { path: path.to_owned(), problem: problem.to_string() })
}

/// Reads the topmost node.
pub(super) fn node(value: &Value, path: &str) -> Found<Node> {
    let mut left = Filter::NODE_LIMIT;
    read(value, path, Filter::DEPTH_LIMIT, &mut left)
}

const SHAPE: &str = "expected {\"and\": […]}, {\"or\": […]}, {\"not\": {…}} or {\"field\", \"operator\", \"value\"}";

fn read(value: &Value, path: &str, depth: usize, left: &mut usize) -> Found<Node> {
    let Some(object) = value.as_object() else { return fault(path, SHAPE) };
    if *left == 0 {
        return fault(path, format!("the filter has more than {} nodes", Filter::NODE_LIMIT));
    }
    *left -= 1;
    if object.contains_key("field") {
        return condition(object, path).map(Node::Is);
    }
    let (Some((name, inner)), 1) = (object.iter().next(), object.len()) else { return fault(path, SHAPE) };
    let place = format!("{path}.{name}");
    let Some(depth) = depth.checked_sub(1) else {
        return fault(&place, format!("is nested more than {} deep", Filter::DEPTH_LIMIT));
    };
    let mut list = |inner: &Value| match inner.as_array() {
        Some(nodes) if !nodes.is_empty() => {
            let each = nodes.iter().enumerate();
            each.map(|(index, node)| read(node, &format!("{place}[{index}]"), depth, left)).collect::<Found<Vec<_>>>()
        }
        _ => fault(&place, "expected a list of one or more conditions"),
    };
    match name.as_str() {
        "and" => list(inner).map(Node::And),
        "or" => list(inner).map(Node::Or),
        "not" => Ok(Node::Not(Box::new(read(inner, &place, depth, left)?))),
        _ => fault(path, SHAPE),
    }
}

/// A condition's parts.
pub(super) struct Parts<'a> {
    pub(super) path: &'a str,
    pub(super) operator: &'a str,
    pub(super) value: &'a Value,
}

impl Parts<'_> {
    /// The value's place.
    pub(super) fn place(&self) -> String {
        format!("{}.value", self.path)
    }

    pub(super) fn wrong_value<T>(&self, problem: impl ToString) -> Found<T> {
        fault(&self.place(), problem)
    }

    pub(super) fn wrong_operator<T>(&self, allowed: &[&str]) -> Found<T> {
        fault(&format!("{}.operator", self.path), format!("expected one of {}", allowed.join(", ")))
    }

    /// The value as a type of ours.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Found<T> {
        T::deserialize(self.value).or_else(|error| self.wrong_value(error))
    }

    /// The value, or the values, as texts.
    pub(super) fn texts(&self) -> Found<Vec<String>> {
        let given = match self.value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        if given.is_empty() || given.len() > LIST_LIMIT {
            return self.wrong_value(format!("expected 1 to {LIST_LIMIT} values"));
        }
        given.iter().map(|value| self.text(value)).collect()
    }

    pub(super) fn text(&self, value: &Value) -> Found<String> {
        match value.as_str().map(str::trim) {
            Some("") => self.wrong_value("is blank"),
            Some(text) if text.contains('\0') => self.wrong_value("has a character that no text here has"),
            Some(text) if text.chars().count() <= TEXT_LIMIT => Ok(text.to_owned()),
            Some(_) => self.wrong_value(format!("is longer than {TEXT_LIMIT} characters")),
            None => self.wrong_value("expected text"),
        }
    }

    pub(super) fn parsed<T: FromStr<Err: ToString>>(&self) -> Found<Vec<T>> {
        self.texts()?
            .iter()
            .map(|text| text.parse().or_else(|error: T::Err| self.wrong_value(error.to_string())))
            .collect()
    }

    /// Whether the operator is `in` or `is`, or one of their opposites.
    fn negated(&self) -> Found<bool> {
        match self.operator {
            "is" | "in" => Ok(false),
            "is_not" | "not_in" => Ok(true),
            _ => self.wrong_operator(&["is", "in", "is_not", "not_in"]),
        }
    }
}

fn condition(object: &Map<String, Value>, path: &str) -> Found<Condition> {
    if let Some(key) = object.keys().find(|key| !["field", "operator", "value"].contains(&key.as_str())) {
        return fault(&format!("{path}.{key}"), "is not a part of a condition: field, operator, value");
    }
    let text = |name: &str| match object.get(name).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => fault(&format!("{path}.{name}"), "is required, as text"),
    };
    let (field, operator) = (text("field")?, text("operator")?);
    let parts = Parts { path, operator, value: object.get("value").unwrap_or(&Value::Null) };
    match field {
        "message" => read_related::messages(&parts),
        "survey" => read_related::surveys(&parts),
        "claim" => read_related::claims(&parts),
        "upload" => Ok(Condition::Uploads { negated: parts.negated()?, ids: parts.parsed::<UploadId>()? }),
        "segment" => Ok(Condition::Segments { negated: parts.negated()?, ids: parts.parsed::<SegmentId>()? }),
        "tag" => {
            let Ok(quantity) = operator.parse::<Quantity>() else { return parts.wrong_operator(Quantity::NAMES) };
            Ok(Condition::Tags(quantity, parts.texts()?.iter().map(|tag| tag.to_lowercase()).collect()))
        }
        "consent" => consent(&parts),
        _ => match field.parse::<Field>() {
            Ok(field) => Ok(Condition::Field(field, read_test::test(field, &parts)?)),
            Err(error) => fault(
                &format!("{path}.field"),
                format!("{error}, message, survey, claim, upload, tag, consent, segment"),
            ),
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    channel: Channel,
    purpose: Purpose,
}

fn consent(parts: &Parts<'_>) -> Found<Condition> {
    let Ok(said) = parts.operator.parse::<Said>() else { return parts.wrong_operator(Said::NAMES) };
    let About { channel, purpose } = parts.read()?;
    Ok(Condition::Consent { channel, purpose, said })
}
