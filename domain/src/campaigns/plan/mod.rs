//! How a campaign goes out: when, how fast, what is tried against what, and what makes it stop by itself.
//!
//! A plan is kept as JSON beside the campaign. One that was never said is the default: at once, as fast as the account
//! allows, nothing tried. [`Plan::check`] tells what cannot be meant, by the field at fault; everything else that reads
//! a plan gets one that has been checked.

mod limits;
mod pace;
mod recurrence;
mod test;
mod timing;
mod windows;

pub use limits::{Breach, Fared, Limits};
pub use pace::{Allowance, Pace, allowance};
pub use recurrence::Recurrence;
pub use test::{Metric, Test};
pub use timing::{Timing, earliest_on_earth, local_instant};
pub use windows::SendWindow;

use super::{Grouping, Holdout};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The most send windows of a plan.
const WINDOWS_LIMIT: usize = 21;
/// A campaign that leaves out more people than this addresses nobody.
const MOST_HELD_OUT: u8 = 90;
/// Conversions are looked for so many days after a message at most.
const LONGEST_ATTRIBUTION: u16 = 365;

/// What a plan says wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PlanError {
    /// The field's JSON path.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl PlanError {
    fn new(field: &'static str, problem: impl ToString) -> Self {
        Self { field, problem: problem.to_string() }
    }
}

/// How a campaign goes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Plan {
    /// When each recipient's message is due.
    pub timing: Timing,
    /// The day that `timing` counts from, where it is not the day the campaign begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
    /// On the recipient's clocks; none is any time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<SendWindow>,
    /// How fast; by default as fast as the account allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// What gets one message.
    pub grouping: Grouping,
    /// The share of people, in percent, who get nothing, so that it can be told what messages bring about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout_percent: Option<u8>,
    /// What is tried against what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// What makes it pause by itself.
    pub limits: Limits,
    /// When it begins again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// Of a sequence: the most messages a policy gets, over all channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<u16>,
    /// How long after a message a renewal or payment counts as its doing.
    pub attribution_days: u16,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            day: None,
            windows: Vec::new(),
            pace: None,
            grouping: Grouping::Address,
            holdout_percent: None,
            test: None,
            limits: Limits::default(),
            recurrence: None,
            max_messages: None,
            attribution_days: 7,
        }
    }
}

impl Plan {
    /// Who gets nothing: always the same people of a group of campaigns.
    pub fn holdout(&self, group: &str) -> Option<Holdout> {
        let percent = self.holdout_percent.filter(|percent| *percent > 0)?;
        let basis_points = u16::from(percent.min(100)) * (Holdout::ALL / 100);
        Some(Holdout { salt: format!("campaigns-{group}"), basis_points })
    }

    /// The time between two messages of so many, at least. What is spread over days goes out in the part of them that
    /// its windows leave.
    pub fn gap(&self, messages: i64) -> Option<TimeDelta> {
        let pace = self.pace?;
        let gap = pace.gap(messages);
        match pace {
            Pace::PerHour(_) => Some(gap),
            Pace::OverDays(_) => {
                let (open, of) = windows::open_minutes(&self.windows);
                Some(gap * open / of)
            }
        }
    }

    /// What cannot be meant; `now` is when it is written.
    pub fn check(&self, zone: &str, now: DateTime<Utc>) -> Result<(), Vec<PlanError>> {
        let mut faults = Vec::new();
        if self.windows.len() > WINDOWS_LIMIT {
            faults.push(PlanError::new("sendWindows", format!("has more than {WINDOWS_LIMIT} windows")));
        }
        faults.extend(self.windows.iter().filter_map(|window| window.check().err()));
        faults.extend(self.pace.and_then(|pace| pace.check().err()));
        faults.extend(self.test.as_ref().and_then(|test| test.check().err()));
        faults.extend(self.limits.check().err());
        faults.extend(self.recurrence.as_ref().and_then(|recurrence| recurrence.check(zone, now).err()));
        if self.max_messages == Some(0) {
            faults.push(PlanError::new("maxMessages", "must be 1 or more"));
        }
        if self.holdout_percent.is_some_and(|percent| percent > MOST_HELD_OUT) {
            faults.push(PlanError::new("holdoutPercent", format!("must be 0 to {MOST_HELD_OUT}")));
        }
        if !(1..=LONGEST_ATTRIBUTION).contains(&self.attribution_days) {
            faults.push(PlanError::new("attributionDays", format!("must be 1 to {LONGEST_ATTRIBUTION}")));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> DateTime<Utc> {
        "2026-05-01T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_was_never_said_is_the_default() {
        let plan: Plan = serde_json::from_value(json!({})).unwrap();
        assert_eq!(plan, Plan::default());
        assert_eq!(plan.attribution_days, 7);
        plan.check("Asia/Kolkata", now()).unwrap();
    }

    #[test]
    fn a_plan_survives_its_json() {
        let value = json!({
            "timing": {"kind": "recipient_time", "at": "10:00"},
            "day": "2026-05-04",
            "windows": [{"days": ["MON", "TUE"], "from": "09:00", "until": "18:00"}],
            "pace": {"perHour": 500},
            "grouping": "household",
            "holdoutPercent": 5,
            "test": {"metric": "clicked", "method": "bayesian", "sharePercent": 20, "hours": 4, "confidencePercent": 95,
                     "automatic": true},
            "limits": {"failurePercent": 25.0, "complaintPercent": 1.0, "atLeast": 200},
            "recurrence": {"cron": "0 9 * * MON", "until": "2026-12-31T00:00:00Z"},
            "maxMessages": 6,
            "attributionDays": 14,
        });
        let plan: Plan = serde_json::from_value(value.clone()).unwrap();
        plan.check("Asia/Kolkata", now()).unwrap();
        assert_eq!(serde_json::to_value(&plan).unwrap(), value);
    }

    #[test]
    fn what_is_spread_over_days_fits_into_its_windows() {
        let days = json!(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]);
        let read = |value| serde_json::from_value::<Plan>(value).unwrap();
        let plan =
            read(json!({"pace": {"overDays": 2}, "windows": [{"days": days, "from": "06:00", "until": "18:00"}]}));
        assert_eq!(plan.gap(48), Some(TimeDelta::minutes(30)));
        let plan =
            read(json!({"pace": {"perHour": 4}, "windows": [{"days": days, "from": "06:00", "until": "18:00"}]}));
        assert_eq!(plan.gap(48), Some(TimeDelta::minutes(15)));
        assert_eq!(read(json!({})).gap(48), None);
    }

    #[test]
    fn every_fault_is_told_by_its_field() {
        let plan: Plan = serde_json::from_value(json!({
            "windows": [{"days": [], "from": "09:00", "until": "09:00"}],
            "pace": {"overDays": 0},
            "test": {"metric": "opened", "sharePercent": 0},
            "recurrence": {"cron": "every monday"},
            "maxMessages": 0,
            "attributionDays": 0,
        }))
        .unwrap();
        let faults = plan.check("Asia/Kolkata", now()).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(
            fields,
            ["sendWindows", "pace", "test.sharePercent", "recurrence", "maxMessages", "attributionDays"],
            "{faults:?}"
        );
    }
}
