//! Which day it is where an insurer is. Nothing fails: a zone that is missing or unknown is the default one.

use chrono::{DateTime, NaiveDate, Utc};
pub use chrono_tz::Tz;

/// Of insurers whose branch names no zone.
pub const DEFAULT_ZONE: Tz = Tz::Asia__Kolkata;

/// The day of `at` in the IANA zone.
pub fn local_day(at: DateTime<Utc>, zone: Option<&str>) -> NaiveDate {
    at.with_timezone(&zone_of(zone)).date_naive()
}

/// The IANA zone of that name.
pub fn zone_of(name: Option<&str>) -> Tz {
    name.and_then(|name| name.parse().ok()).unwrap_or(DEFAULT_ZONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_day_is_that_of_the_zone() {
        let at = Utc.with_ymd_and_hms(2026, 3, 31, 20, 0, 0).unwrap();
        for (zone, day) in [(None, 1), (Some("Asia/Kolkata"), 1), (Some("Nowhere/At all"), 1)] {
            assert_eq!(local_day(at, zone), NaiveDate::from_ymd_opt(2026, 4, day).unwrap(), "{zone:?}");
        }
        assert_eq!(local_day(at, Some("Europe/London")), NaiveDate::from_ymd_opt(2026, 3, 31).unwrap());
    }
}
