//! A part of the day, from one time on the clock to another; past midnight when it ends before it begins.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

/// From a time on, until before another. `22:00` to `07:00` is a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first time within.
    #[serde(with = "clock_time")]
    pub from: NaiveTime,
    /// The first time no longer within.
    #[serde(with = "clock_time")]
    pub until: NaiveTime,
}

impl Window {
    /// Whether the time is within. One that begins when it ends holds no time.
    pub fn contains(&self, time: NaiveTime) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// Times as people write them: `09:00`, and `09:00:30` where it matters.
pub(crate) mod clock_time {
    use chrono::{NaiveTime, Timelike};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(time: &NaiveTime, s: S) -> Result<S::Ok, S::Error> {
        let form = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
        s.collect_str(&time.format(form))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<NaiveTime, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        let read = |form| NaiveTime::parse_from_str(&text, form).ok();
        read("%H:%M")
            .or_else(|| read("%H:%M:%S"))
            .filter(|time| time.nanosecond() < 1_000_000_000)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a time such as 09:00")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        let (from, until) = text.split_once('-').unwrap();
        serde_json::from_value(serde_json::json!({"from": from, "until": until})).unwrap()
    }

    #[test]
    fn a_night_goes_past_midnight() {
        let at = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let night = window("22:00-07:00");
        assert!(night.contains(at("22:00")) && night.contains(at("00:00")) && night.contains(at("06:59")));
        assert!(!night.contains(at("07:00")) && !night.contains(at("21:59")));
        let day = window("09:00-21:00");
        assert!(day.contains(at("09:00")) && !day.contains(at("21:00")) && !day.contains(at("08:59")));
        let evening = window("18:00-00:00");
        assert!(evening.contains(at("23:59")) && !evening.contains(at("00:00")));
        assert!(!window("09:00-09:00").contains(at("09:00")));
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        assert_eq!(serde_json::to_string(&window("09:00-21:00:30")).unwrap(), r#"{"from":"09:00","until":"21:00:30"}"#);
        assert!(serde_json::from_str::<Window>(r#"{"from":"24:00","until":"9"}"#).is_err());
    }
}
