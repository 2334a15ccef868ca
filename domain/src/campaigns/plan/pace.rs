//! How fast a campaign goes out.

use super::PlanError;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The most messages an hour that are worth being counted.
const FASTEST: u32 = 3_600_000;
/// The most days that a campaign is spread over.
const LONGEST: u32 = 366;

/// Not faster than.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Pace {
    /// So many messages in an hour.
    PerHour(u32),
    /// Evenly over so many days.
    OverDays(u32),
}

impl Pace {
    /// The time between two messages of so many.
    pub fn gap(self, messages: i64) -> TimeDelta {
        let hour = TimeDelta::hours(1);
        match self {
            Self::PerHour(count) => hour / i32::try_from(count.max(1)).unwrap_or(i32::MAX),
            Self::OverDays(days) => {
                let span = TimeDelta::days(days.into());
                let micros = span.num_microseconds().unwrap_or(i64::MAX) / messages.max(1);
                TimeDelta::microseconds(micros)
            }
        }
    }

    pub(super) fn check(self) -> Result<(), PlanError> {
        let (given, most) = match self {
            Self::PerHour(count) => (count, FASTEST),
            Self::OverDays(days) => (days, LONGEST),
        };
        match (1..=most).contains(&given) {
            true => Ok(()),
            false => Err(PlanError::new("pace", format!("must be 1 to {most}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_all_goes_out_before_the_time_is_over() {
        assert_eq!(Pace::PerHour(3_600).gap(10), TimeDelta::seconds(1));
        for messages in [1_i64, 7, 1_000, 999_999] {
            let span = Pace::OverDays(3).gap(messages) * i32::try_from(messages).unwrap();
            assert!(
                span <= TimeDelta::days(3) && span > TimeDelta::days(3) - TimeDelta::seconds(2),
                "{messages} {span}"
            );
        }
    }
}
