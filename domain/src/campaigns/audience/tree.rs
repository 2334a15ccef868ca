//! A filter: conditions under and, or and not.
//!
//! It keeps the JSON that it was read from, and is stored as that.

use super::{
    condition::{Condition, Test},
    field::{Field, Subject},
    read,
};
use crate::ids::SegmentId;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Value;
use std::collections::BTreeSet;

/// A node of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Every one holds; holds when there is none.
    And(Vec<Node>),
    /// One holds; does not when there is none.
    Or(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A condition.
    Is(Condition),
}

/// A filter that can be meant, with the JSON it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its topmost node.
    pub root: Node,
    source: Value,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FilterError {
    /// The place in the JSON, such as `filter.and[0].value`.
    pub path: String,
    /// What is wrong, or what would be right.
    pub problem: String,
}

impl Filter {
    /// The deepest nesting.
    pub const DEPTH_LIMIT: usize = 10;
    /// The most nodes.
    pub const NODE_LIMIT: usize = 200;

    /// Reads a filter; `path` is what its place is called.
    pub fn parse(value: &Value, path: &str) -> Result<Self, FilterError> {
        Ok(Self { root: read::node(value, path)?, source: value.clone() })
    }

    /// The JSON it was read from.
    pub fn source(&self) -> &Value {
        &self.source
    }
}

impl Node {
    /// Every condition, from the left, with its place below `path`.
    pub fn conditions<'a>(&'a self, path: &str, found: &mut Vec<(String, &'a Condition)>) {
        let mut all = |name: &str, nodes: &'a [Node]| {
            for (index, node) in nodes.iter().enumerate() {
                node.conditions(&format!("{path}.{name}[{index}]"), found);
            }
        };
        match self {
            Self::And(nodes) => all("and", nodes),
            Self::Or(nodes) => all("or", nodes),
            Self::Not(node) => node.conditions(&format!("{path}.not"), found),
            Self::Is(condition) => found.push((path.to_owned(), condition)),
        }
    }

    fn all(&self) -> Vec<&Condition> {
        let mut found = Vec::new();
        self.conditions("", &mut found);
        found.into_iter().map(|(_, condition)| condition).collect()
    }

    /// The segments it names.
    pub fn segments(&self) -> BTreeSet<SegmentId> {
        let named = self.all().into_iter().filter_map(|condition| match condition {
            Condition::Segments { ids, .. } => Some(ids),
            _ => None,
        });
        named.flatten().copied().collect()
    }

    /// What it has to know: the customer alone, their policies, or the policies' cases too.
    pub fn subject(&self) -> Subject {
        let subject = |condition: &Condition| match condition {
            Condition::Field(field, _) => field.subject(),
            Condition::Messages(_, messages) if messages.about_policy => Subject::Policy,
            Condition::Claims(_, claims) if claims.of_policy => Subject::Policy,
            Condition::Uploads { .. } => Subject::Policy,
            _ => Subject::Customer,
        };
        self.all().into_iter().map(subject).max().unwrap_or(Subject::Customer)
    }

    /// Whether it asks for policies of the status by its name, somewhere that is not under a not.
    pub fn asks_for(&self, status: &str) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(|node| node.asks_for(status)),
            Self::Is(Condition::Field(Field::PolicyStatus, Test::OneOf { values, negated: false })) => {
                values.iter().any(|value| value == status)
            }
            Self::Not(_) | Self::Is(_) => false,
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(d)?, "filter").map_err(D::Error::custom)
    }
}
