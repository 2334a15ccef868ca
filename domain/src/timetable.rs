//! When a recurring job is due: a cron expression read in a named time zone.
//!
//! Where clocks change, a fixed time that does not exist that day is due when the clock resumes, a fixed time that comes
//! twice is due the first time only, and a repeating one (`*/10 * * * *`) keeps its rhythm. Parsing fails with
//! [`TimetableError`], which says what would be right.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

/// A timetable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// Not a cron expression.
    #[error("{expression:?} is not a cron expression such as \"30 9 * * MON-FRI\": {reason}")]
    Expression {
        /// What was given.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such zone.
    #[error("{0:?} is not a time zone such as \"Asia/Kolkata\"")]
    Zone(String),
    /// The 31st of February.
    #[error("{0:?} is never due")]
    Never(String),
}

/// When something recurs.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
}

impl Timetable {
    /// Five fields, six with seconds first, or a nickname such as `@daily`; the zone by its IANA name. `now` is where
    /// the search for a first time begins, which tells a timetable that is never due.
    pub fn parse(expression: &str, zone: &str, now: DateTime<Utc>) -> Result<Self, TimetableError> {
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(expression).map_err(|error| TimetableError::Expression {
            expression: expression.to_owned(),
            reason: error.to_string(),
        })?;
        let zone = zone.parse().map_err(|_| TimetableError::Zone(zone.to_owned()))?;
        let timetable = Self { cron, zone };
        match timetable.next_after(now) {
            Some(_) => Ok(timetable),
            None => Err(TimetableError::Never(expression.to_owned())),
        }
    }

    /// The first time it is due after an instant; `None` if never again.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// The next `count` times, in the zone's own clock.
    fn times(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let mut now = at(from);
        let timetable = Timetable::parse(expression, zone, now).unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            now = timetable.next_after(now).unwrap();
            found.push(now.with_timezone(&timetable.zone).format("%m-%d %H:%M:%S %z").to_string());
        }
        found
    }

    #[test]
    fn times_are_those_of_the_zone() {
        assert_eq!(
            times("30 9 * * MON-FRI", "Asia/Kolkata", "2026-01-02T04:00:00Z", 2),
            ["01-05 09:30:00 +0530", "01-06 09:30:00 +0530"]
        );
        assert_eq!(
            times("*/20 * * * * *", "UTC", "2026-01-02T04:00:59Z", 2),
            ["01-02 04:01:00 +0000", "01-02 04:01:20 +0000"]
        );
        assert_eq!(times("@daily", "UTC", "2026-01-31T00:00:00Z", 1), ["02-01 00:00:00 +0000"]);
    }

    #[test]
    fn a_fixed_time_in_the_gap_is_due_when_the_clock_resumes() {
        // New York: 02:00 becomes 03:00 on 2026-03-08
        assert_eq!(
            times("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2),
            ["03-08 03:00:00 -0400", "03-09 02:30:00 -0400"]
        );
    }

    #[test]
    fn a_fixed_time_in_the_overlap_is_due_once() {
        // New York: 02:00 becomes 01:00 on 2026-11-01
        assert_eq!(
            times("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
            ["11-01 01:30:00 -0400", "11-02 01:30:00 -0500"]
        );
    }

    #[test]
    fn a_repeating_time_keeps_its_rhythm_through_both() {
        let every = TimeDelta::minutes(30);
        for day in ["2026-03-08T05:00:00Z", "2026-11-01T04:00:00Z"] {
            let timetable = Timetable::parse("*/30 * * * *", "America/New_York", at(day)).unwrap();
            let mut now = at(day);
            for _ in 0..12 {
                let next = timetable.next_after(now).unwrap();
                assert_eq!(next - now, every, "after {now}");
                now = next;
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let now = at("2026-01-01T00:00:00Z");
        let error = |expression, zone| Timetable::parse(expression, zone, now).unwrap_err();
        assert!(matches!(error("61 * * * *", "UTC"), TimetableError::Expression { .. }));
        assert!(matches!(error("", "UTC"), TimetableError::Expression { .. }));
        assert_eq!(error("* * * * *", "Mars/Olympus"), TimetableError::Zone("Mars/Olympus".to_owned()));
        assert_eq!(error("0 0 31 2 *", "UTC"), TimetableError::Never("0 0 31 2 *".to_owned()));
    }
}
