//! When a campaign starts, as people write it: an instant, or a local time and the IANA zone whose clocks it is read on.
//!
//! Where clocks change, a local time that does not exist is refused with the next one that does, and one that comes
//! twice means the first. Reading fails with [`StartError`], which says what would be right.

use crate::text_enum::text_enum;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

text_enum! {
    /// Whether a campaign waits for its time.
    pub enum ScheduleType {
        /// As soon as its audience is written.
        Immediate = "immediate",
        /// At a time.
        Scheduled = "scheduled",
        /// Again and again, each time as a campaign of its own.
        Recurring = "recurring",
    }
}

/// The zone a campaign's days are counted in when nothing is said.
pub const DEFAULT_ZONE: Tz = Tz::Asia__Kolkata;

/// Clocks skip less than this.
const LONGEST_GAP_MINUTES: i64 = 26 * 60;

/// How a local time is written.
const LOCAL: [&str; 4] = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// A time that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Neither an instant nor a local time.
    #[error("expected a time such as 2024-05-15T14:00:00Z, or 2024-05-15T19:30 with a timeZone")]
    Shape,
    /// A local time, and no zone to read it in.
    #[error("a local time needs a timeZone such as \"Asia/Kolkata\"; or write an offset, as in {0}Z")]
    NoZone(String),
    /// No such zone.
    #[error("{0:?} is not a time zone such as \"Asia/Kolkata\"")]
    Zone(String),
    /// Clocks skip it.
    #[error("{local} does not exist in {zone}: clocks are put forward then; the next time that exists is {next}")]
    Gap {
        /// The time as given.
        local: String,
        /// The zone's name.
        zone: &'static str,
        /// The first local time after the gap.
        next: String,
    },
}

/// The zone of that name.
pub fn zone(name: &str) -> Result<Tz, StartError> {
    name.parse().map_err(|_| StartError::Zone(name.to_owned()))
}

/// The instant that the text means; a local time is read in the zone.
pub fn instant(text: &str, zone: Option<Tz>) -> Result<DateTime<Utc>, StartError> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let read = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    let local = LOCAL.iter().find_map(read).ok_or(StartError::Shape)?;
    let zone = zone.ok_or_else(|| StartError::NoZone(text.to_owned()))?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Ok(at.to_utc()),
        LocalResult::None => Err(gap(local, zone)),
    }
}

fn gap(local: NaiveDateTime, zone: Tz) -> StartError {
    let minutes = (1..=LONGEST_GAP_MINUTES).map(|minutes| local + TimeDelta::minutes(minutes));
    let next = minutes.into_iter().find(|later| zone.from_local_datetime(later).earliest().is_some());
    let show = |time: NaiveDateTime| time.format("%Y-%m-%dT%H:%M").to_string();
    StartError::Gap { local: show(local), zone: zone.name(), next: show(next.unwrap_or(local)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, zone_name: &str) -> Result<String, StartError> {
        let zone = (!zone_name.is_empty()).then(|| zone(zone_name)).transpose()?;
        instant(text, zone).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    #[test]
    fn an_instant_needs_no_zone_and_a_local_time_does() {
        assert_eq!(read("2024-05-15T14:00:00Z", "").unwrap(), "2024-05-15T14:00:00Z");
        assert_eq!(read("2024-05-15T14:00:00+05:30", "America/New_York").unwrap(), "2024-05-15T08:30:00Z");
        assert_eq!(read(" 2024-05-15T19:30 ", "Asia/Kolkata").unwrap(), "2024-05-15T14:00:00Z");
        assert_eq!(read("2024-05-15 19:30:15", "Asia/Kolkata").unwrap(), "2024-05-15T14:00:15Z");
        assert!(read("2024-05-15T19:30", "").unwrap_err().to_string().contains("timeZone"));
        assert_eq!(read("tomorrow", "UTC"), Err(StartError::Shape));
        assert_eq!(read("2024-05-15T19:30", "Mars/Olympus"), Err(StartError::Zone("Mars/Olympus".to_owned())));
    }

    #[test]
    fn a_time_that_clocks_skip_is_refused_with_the_next_that_exists() {
        // New York: 02:00 becomes 03:00 on 2026-03-08
        let refused = read("2026-03-08T02:30", "America/New_York").unwrap_err().to_string();
        assert_eq!(
            refused,
            "2026-03-08T02:30 does not exist in America/New_York: clocks are put forward then; the next time that \
             exists is 2026-03-08T03:00"
        );
        // Samoa left out the whole of 2011-12-30
        assert!(read("2011-12-30T00:00", "Pacific/Apia").unwrap_err().to_string().ends_with("2011-12-31T00:00"));
    }

    #[test]
    fn a_time_that_comes_twice_means_the_first() {
        // New York: 02:00 becomes 01:00 on 2026-11-01
        assert_eq!(read("2026-11-01T01:30", "America/New_York").unwrap(), "2026-11-01T05:30:00Z");
    }
}
