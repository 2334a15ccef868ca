//! Campaigns that begin again and again: "every Monday, policies expiring in 30 days".

use super::PlanError;
use crate::timetable::{Timetable, TimetableError};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Two times are at least so far apart: a campaign is no loop.
const SHORTEST: TimeDelta = TimeDelta::minutes(15);

/// When a campaign begins again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recurrence {
    /// A cron expression, in the campaign's zone.
    pub cron: String,
    /// No time after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Recurrence {
    /// The first time after an instant; `None` when there is none any more.
    pub fn next_after(&self, zone: &str, after: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, TimetableError> {
        let next = match Timetable::parse(&self.cron, zone, after) {
            Ok(timetable) => timetable.next_after(after),
            Err(TimetableError::Never(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(next.filter(|next| self.until.is_none_or(|until| *next <= until)))
    }

    pub(super) fn check(&self, zone: &str, now: DateTime<Utc>) -> Result<(), PlanError> {
        let fault = |problem: String| Err(PlanError::new("recurrence", problem));
        let first = match self.next_after(zone, now) {
            Err(error) => return fault(error.to_string()),
            Ok(None) => return fault("is never due".to_owned()),
            Ok(Some(first)) => first,
        };
        let second = self.next_after(zone, first).ok().flatten();
        match second.is_some_and(|second| second - first < SHORTEST) {
            true => fault(format!("is due more often than every {} minutes", SHORTEST.num_minutes())),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn every_monday_until_it_ends() {
        let mondays = Recurrence { cron: "0 9 * * MON".to_owned(), until: Some(at("2026-05-12T00:00:00Z")) };
        let zone = "Asia/Kolkata";
        let first = mondays.next_after(zone, at("2026-05-01T00:00:00Z")).unwrap().unwrap();
        assert_eq!(first, at("2026-05-04T03:30:00Z"));
        let second = mondays.next_after(zone, first).unwrap().unwrap();
        assert_eq!(second, at("2026-05-11T03:30:00Z"));
        assert_eq!(mondays.next_after(zone, second).unwrap(), None);
    }

    #[test]
    fn a_loop_is_no_campaign() {
        let often = Recurrence { cron: "* * * * *".to_owned(), until: None };
        let fault = often.check("UTC", at("2026-05-01T00:00:00Z")).unwrap_err();
        assert_eq!(fault.to_string(), "recurrence: is due more often than every 15 minutes");
    }
}
