//! The flat filter: a few conditions on policies, all of which have to hold.
//!
//! Checking fails with the field at fault.

use super::AudienceError;
use crate::ids::BranchId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The most values one list of a filter may hold.
const LIST_LIMIT: usize = 100;
/// The longest text in a list, in characters.
const TEXT_LIMIT: usize = 100;

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

impl AudienceFilter {
    pub(super) fn check(&self) -> Result<(), AudienceError> {
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

#[cfg(test)]
mod tests {
    use super::{super::Audience, *};
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
