//! When messages of a campaign may go out, on the recipient's clocks.

use super::PlanError;
use crate::messaging::restraint::Window;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

/// A part of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendWindow {
    /// The days on which it begins, such as `MON`.
    #[serde(with = "days")]
    pub days: Vec<Weekday>,
    /// From when until when; past midnight when it ends before it begins.
    #[serde(flatten)]
    pub hours: Window,
}

impl SendWindow {
    /// Whether the local time is within.
    pub fn contains(&self, local: NaiveDateTime) -> bool {
        let (day, time) = (local.weekday(), local.time());
        if self.hours.from <= self.hours.until {
            return self.hours.contains(time) && self.days.contains(&day);
        }
        // past midnight it is still the window of the day before
        (time >= self.hours.from && self.days.contains(&day))
            || (time < self.hours.until && self.days.contains(&day.pred()))
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        let problem = if self.days.is_empty() {
            "has a window without days"
        } else if self.hours.from == self.hours.until {
            "has a window that ends when it begins"
        } else {
            return Ok(());
        };
        Err(PlanError::new("sendWindows", problem))
    }
}

/// How many minutes of a week are within one of the windows, and how many a week has. Without windows, all are.
pub(super) fn open_minutes(windows: &[SendWindow]) -> (i32, i32) {
    const WEEK: i32 = 7 * 24 * 60;
    if windows.is_empty() {
        return (WEEK, WEEK);
    }
    // a Monday; which one does not matter
    let monday = NaiveDate::default().week(Weekday::Mon).first_day().and_time(NaiveTime::MIN);
    let open = |minute: &i32| {
        let local = monday + TimeDelta::minutes((*minute).into());
        windows.iter().any(|window| window.contains(local))
    };
    let count = (0..WEEK).filter(open).count();
    (i32::try_from(count).unwrap_or(WEEK), WEEK)
}

/// Days as `MON` to `SUN`.
mod days {
    use chrono::Weekday;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(days: &[Weekday], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(days.iter().map(|day| day.to_string().to_uppercase()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Weekday>, D::Error> {
        let names = Vec::<String>::deserialize(d)?;
        let read =
            |name: String| name.parse().map_err(|_| D::Error::custom(format!("{name:?} is not a day such as MON")));
        names.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn minutes_in_several_windows_count_once() {
        let windows = |value| serde_json::from_value::<Vec<SendWindow>>(value).unwrap();
        assert_eq!(open_minutes(&[]).0, 7 * 24 * 60);
        let two = windows(json!([{"days": ["MON", "TUE"], "from": "09:00", "until": "18:00"},
                                 {"days": ["TUE", "SUN"], "from": "17:00", "until": "01:00"}]));
        assert_eq!(open_minutes(&two).0, (2 * 9 + 7 + 8) * 60);
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        let window: SendWindow =
            serde_json::from_value(json!({"days": ["FRI"], "from": "20:00", "until": "02:00"})).unwrap();
        let within = |text: &str| window.contains(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap());
        // 2026-05-01 is a Friday
        assert!(within("2026-05-01T20:00") && within("2026-05-02T01:59"));
        assert!(!within("2026-05-01T19:59") && !within("2026-05-02T02:00") && !within("2026-05-01T01:00"));
        assert!(!within("2026-05-02T21:00"));
    }
}
