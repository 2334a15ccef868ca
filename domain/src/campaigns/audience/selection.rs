//! A target that names a filter, segments or recipients. All that is named has to hold.

use super::{
    field::Subject,
    read::fault,
    segments::Segments,
    tree::{Filter, FilterError},
};
use crate::ids::{CustomerId, PolicyId, SegmentId};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::str::FromStr;

/// Who is chosen, and the JSON it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Policies for which the filter holds.
    pub filter: Option<Filter>,
    /// Policies of segments.
    pub segments: Option<SegmentSet>,
    /// Named ones.
    pub recipients: Option<Recipients>,
    source: Value,
}

/// Segments put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentSet {
    /// What is in any of them.
    Union(Vec<SegmentId>),
    /// Customers who are in all of them, with their policies that are in any of them.
    Intersect(Vec<SegmentId>),
    /// What is in the first, of customers who are in none of the others.
    Minus(SegmentId, Vec<SegmentId>),
}

impl SegmentSet {
    /// The most segments.
    pub const LIMIT: usize = 20;

    /// Those whose policies are addressed.
    pub fn addressed(&self) -> &[SegmentId] {
        match self {
            Self::Union(ids) | Self::Intersect(ids) => ids,
            Self::Minus(id, _) => std::slice::from_ref(id),
        }
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<SegmentId> {
        let others: &[SegmentId] = match self {
            Self::Minus(_, others) => others,
            _ => &[],
        };
        self.addressed().iter().chain(others).copied().collect()
    }
}

/// Named customers, with all their policies, and named policies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    /// Customers.
    pub customers: Vec<CustomerId>,
    /// Policies.
    pub policies: Vec<PolicyId>,
}

impl Recipients {
    /// The most that are named in a request; more make a segment.
    pub const LIMIT: usize = 10_000;
}

const KEYS: [&str; 4] = ["filter", "segmentId", "segments", "recipients"];

impl Selection {
    /// Whether the JSON means a selection, and not a flat filter.
    pub(super) fn is_meant(object: &Map<String, Value>) -> bool {
        KEYS.iter().any(|key| object.contains_key(*key))
    }

    /// Reads it.
    pub(super) fn parse(object: &Map<String, Value>) -> Result<Self, FilterError> {
        if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return fault(key, format!("cannot stand beside {}", KEYS.join(", ")));
        }
        if object.contains_key("segmentId") && object.contains_key("segments") {
            return fault("segmentId", "cannot stand beside segments");
        }
        let filter = object.get("filter").map(|value| Filter::parse(value, "filter")).transpose()?;
        let one = object.get("segmentId").map(|value| id(value, "segmentId"));
        let one = one.transpose()?.map(|id| SegmentSet::Union(vec![id]));
        let several = object.get("segments").map(set).transpose()?;
        let recipients = object.get("recipients").map(recipients).transpose()?;
        Ok(Self { filter, segments: one.or(several), recipients, source: Value::Object(object.clone()) })
    }

    /// A selection of what a filter keeps.
    pub fn filtered(filter: Filter) -> Self {
        let source = serde_json::json!({"filter": filter.source()});
        Self { filter: Some(filter), segments: None, recipients: None, source }
    }

    /// The JSON it was read from.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// What it has to know, with the segments' own filters.
    pub fn subject(&self, segments: &Segments) -> Subject {
        let rows = self.segments.iter().flat_map(SegmentSet::addressed).filter_map(|id| segments.filter(*id));
        let filters = self.filter.iter().chain(rows).map(|filter| filter.root.subject());
        let named = self.recipients.iter().map(|named| match named.policies.is_empty() {
            true => Subject::Customer,
            false => Subject::Policy,
        });
        filters.chain(named).max().unwrap_or(Subject::Customer)
    }

    /// A selection of one segment.
    pub fn of_segment(id: SegmentId) -> Self {
        let source = serde_json::json!({"segmentId": id});
        Self { filter: None, segments: Some(SegmentSet::Union(vec![id])), recipients: None, source }
    }

    /// Every segment it names itself.
    pub fn named(&self) -> BTreeSet<SegmentId> {
        let filtered = self.filter.iter().flat_map(|filter| filter.root.segments());
        filtered.chain(self.segments.iter().flat_map(SegmentSet::all)).collect()
    }
}

fn id<T: FromStr<Err: ToString>>(value: &Value, path: &str) -> Result<T, FilterError> {
    match value.as_str() {
        Some(text) => text.parse().or_else(|error: T::Err| fault(path, error.to_string())),
        None => fault(path, "expected an id, as text"),
    }
}

fn ids<T: FromStr<Err: ToString>>(value: &Value, path: &str, limit: usize) -> Result<Vec<T>, FilterError> {
    match value.as_array() {
        Some(values) if (1..=limit).contains(&values.len()) => {
            values.iter().enumerate().map(|(index, value)| id(value, &format!("{path}[{index}]"))).collect()
        }
        _ => fault(path, format!("expected a list of 1 to {limit} ids")),
    }
}

fn set(value: &Value) -> Result<SegmentSet, FilterError> {
    const SHAPE: &str = "expected {\"union\": […]}, {\"intersect\": […]} or {\"minus\": […]}";
    let entry = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
    let Some((name, value)) = entry else { return fault("segments", SHAPE) };
    let path = format!("segments.{name}");
    let read = || ids(value, &path, SegmentSet::LIMIT);
    match name.as_str() {
        "union" => read().map(SegmentSet::Union),
        "intersect" => read().map(SegmentSet::Intersect),
        "minus" => match read()?.split_first() {
            Some((first, others)) if !others.is_empty() => Ok(SegmentSet::Minus(*first, others.to_vec())),
            _ => fault(&path, "expected a segment, and those to take from it"),
        },
        _ => fault("segments", SHAPE),
    }
}

fn recipients(value: &Value) -> Result<Recipients, FilterError> {
    let all: Vec<String> = match value.as_array() {
        Some(values) if (1..=Recipients::LIMIT).contains(&values.len()) => values
            .iter()
            .enumerate()
            .map(|(index, value)| match value.as_str() {
                Some(text) => Ok(text.to_owned()),
                None => fault(&format!("recipients[{index}]"), "expected an id, as text"),
            })
            .collect::<Result<_, _>>()?,
        _ => return fault("recipients", format!("expected a list of 1 to {} ids", Recipients::LIMIT)),
    };
    let mut found = Recipients::default();
    for (index, text) in all.iter().enumerate() {
        match (text.parse::<CustomerId>(), text.parse::<PolicyId>()) {
            (Ok(customer), _) => found.customers.push(customer),
            (_, Ok(policy)) => found.policies.push(policy),
            _ => return fault(&format!("recipients[{index}]"), "expected an id such as customer-123 or policy-123"),
        }
    }
    Ok(found)
}
