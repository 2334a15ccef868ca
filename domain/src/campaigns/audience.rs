//! Whom a campaign addresses: everybody of an upload, or those a filter over policy and customer fields keeps.
//!
//! Reading fails with the field at fault; the queries that apply a filter get only one that has been checked.

use crate::ids::BranchId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Value;

/// The most values one list of a filter may hold.
const LIST_LIMIT: usize = 100;
/// The longest text in a list, in characters.
const TEXT_LIMIT: usize = 100;

/// What a filter says wrongly.
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
}

/// The target of a campaign, as `targetAudience` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody: of the campaign's upload when it has one, else of the whole book.
    All,
    /// Those who meet every condition of the filter.
    Filter(AudienceFilter),
}

/// Conditions, all of which must hold; an absent one holds for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AudienceFilter {
    /// Days from the campaign's day to the policy's last day; negative once expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_to_expiry: Option<Range<i32>>,
    /// Kinds of policy, compared without regard to case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_types: Vec<String>,
    /// The policy's premium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premium: Option<Range<Decimal>>,
    /// The policy's branches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchId>,
    /// The policy's statuses, compared without regard to case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<String>,
}

/// From `min` to `max`, both included; at least one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range<T> {
    /// The lowest value that is kept.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub min: Option<T>,
    /// The highest value that is kept.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub max: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

impl<T: PartialOrd> Range<T> {
    fn check(&self, field: &'static str) -> Result<(), AudienceError> {
        match (&self.min, &self.max) {
            (None, None) => Err(AudienceError::Field { field, problem: "give min, max or both" }),
            (Some(min), Some(max)) if min > max => Err(AudienceError::Field { field, problem: "min is above max" }),
            _ => Ok(()),
        }
    }
}

impl Audience {
    /// Reads `"all"` or a filter.
    pub fn parse(value: &Value) -> Result<Self, AudienceError> {
        match value {
            Value::String(text) if text == "all" => Ok(Self::All),
            Value::Object(_) => {
                let filter: AudienceFilter =
                    serde_json::from_value(value.clone()).map_err(|error| AudienceError::Fields(error.to_string()))?;
                filter.check()?;
                Ok(Self::Filter(filter))
            }
            _ => Err(AudienceError::Shape),
        }
    }
}

impl AudienceFilter {
    fn check(&self) -> Result<(), AudienceError> {
        if let Some(range) = &self.days_to_expiry {
            range.check("daysToExpiry")?;
        }
        if let Some(range) = &self.premium {
            range.check("premium")?;
        }
        check_texts("policyTypes", &self.policy_types)?;
        check_texts("statuses", &self.statuses)?;
        if self.branches.len() > LIST_LIMIT {
            return Err(AudienceError::Field { field: "branches", problem: "has more than 100 values" });
        }
        Ok(())
    }
}

fn check_texts(field: &'static str, texts: &[String]) -> Result<(), AudienceError> {
    let problem = if texts.len() > LIST_LIMIT {
        "has more than 100 values"
    } else if texts.iter().any(|text| text.trim().is_empty()) {
        "has a blank value"
    } else if texts.iter().any(|text| text.chars().count() > TEXT_LIMIT) {
        "has a value longer than 100 characters"
    } else {
        return Ok(());
    };
    Err(AudienceError::Field { field, problem })
}

impl Serialize for Audience {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => s.serialize_str("all"),
            Self::Filter(filter) => filter.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(d)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_and_a_filter_survive_their_json() {
        let filter = json!({
            "daysToExpiry": {"min": 15, "max": 30},
            "policyTypes": ["Motor"],
            "premium": {"min": "1000.50"},
            "branches": ["branch-1"],
            "statuses": ["active"],
        });
        for value in [json!("all"), filter, json!({})] {
            let audience = Audience::parse(&value).unwrap();
            assert_eq!(serde_json::to_value(&audience).unwrap(), value);
            assert_eq!(serde_json::from_value::<Audience>(value).unwrap(), audience);
        }
    }

    #[test]
    fn an_amount_may_be_a_number_too() {
        let Audience::Filter(filter) = Audience::parse(&json!({"premium": {"max": 20000}})).unwrap() else { panic!() };
        assert_eq!(filter.premium.unwrap().max, Some(Decimal::from(20_000)));
    }

    #[test]
    fn what_cannot_be_meant_names_its_field() {
        for (value, part) in [
            (json!("everyone"), "expected \"all\""),
            (json!(null), "expected \"all\""),
            (json!({"age": 3}), "unknown field `age`"),
            (json!({"daysToExpiry": {"min": 30, "max": 15}}), "daysToExpiry: min is above max"),
            (json!({"daysToExpiry": {}}), "daysToExpiry: give min, max or both"),
            (json!({"premium": {"from": 1}}), "unknown field `from`"),
            (json!({"branches": ["case-1"]}), "branch-123"),
            (json!({"policyTypes": [" "]}), "policyTypes: has a blank value"),
            (json!({"statuses": vec!["x"; 101]}), "statuses: has more than 100 values"),
        ] {
            let error = Audience::parse(&value).unwrap_err().to_string();
            assert!(error.contains(part), "{value}: {error}");
        }
    }
}
