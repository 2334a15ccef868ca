//! When each recipient's message is due, on their own clocks.
//!
//! Where clocks change, a local time that does not exist is moved forward by as much as they skip, and one that comes
//! twice means the first: nobody is left out and nobody is written to twice.

use crate::messaging::restraint::clock_time;
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The clocks that are farthest ahead, in hours before UTC's.
const FARTHEST_AHEAD: TimeDelta = TimeDelta::hours(14);

/// When messages are due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Timing {
    /// As soon as the campaign has begun.
    #[default]
    AtOnce,
    /// At a time of each recipient's own day; the next day for those where it has passed.
    RecipientTime {
        /// The time on their clocks.
        #[serde(with = "clock_time")]
        at: NaiveTime,
    },
    /// In the hour of day in which they opened or followed most; the time given for those nothing is known of.
    BestHour {
        /// The time on their clocks.
        #[serde(with = "clock_time")]
        otherwise: NaiveTime,
    },
}

impl Timing {
    /// Whether it looks at the recipient's clocks.
    pub const fn is_local(self) -> bool {
        !matches!(self, Self::AtOnce)
    }
}

/// The instant of a local time: see the head of this file.
pub fn local_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            // read with the offset that held before clocks were put forward; a whole day is skipped at the date line
            let before = (1..=27).find_map(|hours| {
                let earlier = TimeDelta::hours(hours);
                let at = zone.from_local_datetime(&(local - earlier)).latest()?;
                Some(at.to_utc() + earlier)
            });
            before.unwrap_or_else(|| local.and_utc())
        }
    }
}

/// When a day's time comes first anywhere on earth: a campaign that follows its recipients' clocks begins then.
pub fn earliest_on_earth(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    day.and_time(time).and_utc() - FARTHEST_AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(local: &str, zone: &str) -> String {
        let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M").unwrap();
        local_instant(local, zone.parse().unwrap()).format("%Y-%m-%dT%H:%MZ").to_string()
    }

    #[test]
    fn a_skipped_time_moves_forward_and_a_double_one_is_the_first() {
        for (local, zone, expected) in [
            ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:30Z"),
            ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30Z"),
            ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45Z"),
            ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45Z"),
            ("2026-06-01T10:00", "Asia/Kolkata", "2026-06-01T04:30Z"),
            ("2026-12-31T23:59", "Pacific/Kiritimati", "2026-12-31T09:59Z"),
            ("2027-01-01T00:00", "Pacific/Pago_Pago", "2027-01-01T11:00Z"),
            // Samoa went over the date line: the whole day was left out
            ("2011-12-30T10:00", "Pacific/Apia", "2011-12-30T20:00Z"),
        ] {
            assert_eq!(instant(local, zone), expected, "{local} {zone}");
        }
    }

    proptest! {
        /// Never before the clocks show it, and never more than clocks skip after.
        #[test]
        fn the_instant_shows_the_time_or_what_the_clocks_skipped_to(
            minutes in 0_i64..(60 * 24 * 365 * 30),
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
        ) {
            let local = NaiveDate::from_ymd_opt(2005, 1, 1).unwrap().and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
            let shown = local_instant(local, zone).with_timezone(&zone).naive_local();
            prop_assert!(shown >= local && shown - local <= TimeDelta::hours(24), "{local} {zone}: {shown}");
        }

        #[test]
        fn no_clock_on_earth_is_earlier_than_the_earliest(
            days in 0_i64..11_000,
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
        ) {
            let day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + TimeDelta::days(days);
            let ten = NaiveTime::from_hms_opt(10, 0, 0).unwrap();
            prop_assert!(local_instant(day.and_time(ten), zone) >= earliest_on_earth(day, ten));
        }
    }
}
