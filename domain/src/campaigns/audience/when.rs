//! Conditions on days: fixed ones, and ones that move with the campaign's day.
//!
//! Nothing fails here: a day that the calendar does not reach is the last one it does.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The day a filter is read on, and the zone its days are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub today: NaiveDate,
    /// The zone.
    pub zone: Tz,
}

impl Day {
    /// The day of an instant.
    pub fn of(at: DateTime<Utc>, zone: Tz) -> Self {
        Self { today: at.with_timezone(&zone).date_naive(), zone }
    }

    /// So many days from the day.
    pub fn plus(self, days: i32) -> NaiveDate {
        let by = Days::new(u64::from(days.unsigned_abs()));
        let moved = if days < 0 { self.today.checked_sub_days(by) } else { self.today.checked_add_days(by) };
        moved.unwrap_or(if days < 0 { EARLIEST } else { LATEST }).clamp(EARLIEST, LATEST)
    }

    /// The first instant of a day in the zone.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let day = day.clamp(EARLIEST, LATEST);
        // where clocks jump over midnight, the day begins when they land
        let mut hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        let local = |time| self.zone.from_local_datetime(&day.and_time(time)).earliest();
        let first = hours.find_map(local);
        first.map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |at| at.with_timezone(&Utc))
    }
}

/// The days that are told apart: those before and after are as these.
pub const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
/// The last of them.
pub const LATEST: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 30) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// A stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// From Monday.
    Week,
    /// Of the calendar.
    Month,
    /// From January, April, July or October.
    Quarter,
    /// Of the calendar.
    Year,
}

/// Which days are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Fixed ones, both included; one is given.
    Between(Option<NaiveDate>, Option<NaiveDate>),
    /// Days from the campaign's day, both included; one is given.
    Days(Option<i32>, Option<i32>),
    /// The stretch that the campaign's day is in (0), the one before it (-1) or after it (1).
    Within(Period, i32),
}

impl When {
    /// The first and last day, as far as there are.
    pub fn resolve(self, day: Day) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::Between(from, to) => (from, to),
            Self::Days(min, max) => (min.map(|days| day.plus(days)), max.map(|days| day.plus(days))),
            Self::Within(period, shift) => {
                let first = period.first(day.today, shift);
                (Some(first), period.first(day.today, shift + 1).pred_opt())
            }
        }
    }
}

impl Period {
    /// The first day of the stretch so many after the one that the day is in.
    fn first(self, day: NaiveDate, shift: i32) -> NaiveDate {
        let months = match self {
            Self::Week => {
                let monday = day.week(chrono::Weekday::Mon).first_day();
                return monday.checked_add_signed(chrono::TimeDelta::weeks(shift.into())).unwrap_or(monday);
            }
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        };
        let now = day.year() * 12 + i32::try_from(day.month0()).unwrap_or(0);
        let first = (now.div_euclid(months) + shift) * months;
        let month = u32::try_from(first.rem_euclid(12)).unwrap_or(0) + 1;
        NaiveDate::from_ymd_opt(first.div_euclid(12), month, 1).unwrap_or(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn days_move_with_the_campaigns_day() {
        let day = Day { today: date(2026, 12, 31), zone: chrono_tz::Asia::Kolkata };
        let resolved = |when: When| when.resolve(day);
        assert_eq!(resolved(When::Days(Some(15), Some(30))), (Some(date(2027, 1, 15)), Some(date(2027, 1, 30))));
        assert_eq!(resolved(When::Within(Period::Month, 0)), (Some(date(2026, 12, 1)), Some(date(2026, 12, 31))));
        assert_eq!(resolved(When::Within(Period::Month, 1)), (Some(date(2027, 1, 1)), Some(date(2027, 1, 31))));
        assert_eq!(resolved(When::Within(Period::Quarter, -1)), (Some(date(2026, 7, 1)), Some(date(2026, 9, 30))));
        assert_eq!(resolved(When::Within(Period::Year, 0)), (Some(date(2026, 1, 1)), Some(date(2026, 12, 31))));
        // a Thursday
        assert_eq!(resolved(When::Within(Period::Week, 0)), (Some(date(2026, 12, 28)), Some(date(2027, 1, 3))));
        assert_eq!(day.plus(i32::MAX), LATEST);
        assert_eq!(day.plus(i32::MIN), EARLIEST);
    }

    #[test]
    fn a_day_without_a_midnight_begins_when_the_clocks_land() {
        // Cairo goes from 24:00 on Thursday to 01:00 on Friday
        let day = Day { today: date(2026, 4, 24), zone: chrono_tz::Africa::Cairo };
        assert_eq!(day.start_of(day.today).to_rfc3339(), "2026-04-23T22:00:00+00:00");
        let kolkata = Day { today: date(2026, 4, 24), zone: chrono_tz::Asia::Kolkata };
        assert_eq!(kolkata.start_of(kolkata.today).to_rfc3339(), "2026-04-23T18:30:00+00:00");
    }
}
