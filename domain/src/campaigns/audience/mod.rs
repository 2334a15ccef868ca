//! Whom a campaign addresses: everybody of an upload, or those a filter, segments or a list of recipients keep.
//!
//! What is judged is a policy, with its customer and the renewal case of its term. A customer without a policy is judged
//! once, without one: then no field of a policy has a value. A customer is *in* a segment when one of their policies is.
//!
//! Reading fails with the place at fault; the queries that apply a filter get only one that has been checked.

mod condition;
mod evaluate;
mod explain;
mod facts;
mod field;
mod flat;
mod grouping;
mod holdout;
mod read;
mod read_related;
mod read_test;
mod segments;
mod selection;
#[cfg(test)]
mod tests;
mod tree;
mod when;

pub use condition::{Bound, Bounds, Claims, Condition, Count, MessageEvent, Messages, Quantity, Said, Surveys, Test};
pub use evaluate::{evaluate, is_member, is_selected};
pub use explain::{Finding, findings};
pub use facts::{AnsweredSurvey, Claimed, Held, Person, Renewal, Sent};
pub use field::{Field, Kind, Subject};
pub use flat::{AudienceFilter, Range};
pub use grouping::Grouping;
pub use holdout::Holdout;
pub use segments::{Body, Segments};
pub use selection::{Recipients, SegmentSet, Selection};
pub use tree::{Filter, FilterError, Node};
pub use when::{Day, Period, When};

use crate::ids::SegmentId;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a target says wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// Neither `"all"` nor a filter.
    #[error("expected \"all\" or a filter such as {{\"daysToExpiry\": {{\"min\": 15, \"max\": 30}}}}")]
    Shape,
    /// Not the fields of a filter, or not their types.
    #[error("{0}")]
    Fields(String),
    /// A field whose value cannot be meant.
    #[error("{field}: {problem}")]
    Field {
        /// The field's JSON name.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A selection that cannot be meant.
    #[error(transparent)]
    Selection(#[from] FilterError),
}

/// The target of a campaign, as `targetAudience` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody: of the campaign's upload when it has one, else of the whole book.
    All,
    /// Those who meet every condition of the flat filter.
    Filter(AudienceFilter),
    /// Those whom a filter, segments and a list of recipients choose.
    Selection(Selection),
}

impl Audience {
    /// Reads `"all"`, a flat filter, or a selection: `filter`, `segmentId` or `segments`, and `recipients`.
    pub fn parse(value: &Value) -> Result<Self, AudienceError> {
        match value {
            Value::String(text) if text == "all" => Ok(Self::All),
            Value::Object(object) if Selection::is_meant(object) => Ok(Self::Selection(Selection::parse(object)?)),
            Value::Object(_) => {
                let filter: AudienceFilter =
                    serde_json::from_value(value.clone()).map_err(|error| AudienceError::Fields(error.to_string()))?;
                filter.check()?;
                Ok(Self::Filter(filter))
            }
            _ => Err(AudienceError::Shape),
        }
    }

    /// Every segment it names itself.
    pub fn segments(&self) -> BTreeSet<SegmentId> {
        match self {
            Self::Selection(selection) => selection.named(),
            Self::All | Self::Filter(_) => BTreeSet::new(),
        }
    }

    /// Whether it asks for cancelled policies by name.
    pub fn asks_for_cancelled(&self, segments: &Segments) -> bool {
        const CANCELLED: &str = "cancelled";
        match self {
            Self::All => false,
            Self::Filter(filter) => filter.statuses.iter().any(|status| status.trim().eq_ignore_ascii_case(CANCELLED)),
            Self::Selection(selection) => {
                let addressed = selection.segments.iter().flat_map(SegmentSet::addressed);
                let filters = addressed.filter_map(|id| segments.filter(*id));
                selection.filter.iter().chain(filters).any(|filter| filter.root.asks_for(CANCELLED))
            }
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => s.serialize_str("all"),
            Self::Filter(filter) => filter.serialize(s),
            Self::Selection(selection) => selection.source().serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(d)?).map_err(D::Error::custom)
    }
}
