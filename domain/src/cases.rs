//! Rules of renewal cases.
//!
//! Nothing fails.

use crate::money::Money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How soon a case should be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    Medium,
    High,
    Urgent,
}

/// Up to so many days before expiry, and after it, a case is urgent.
pub const URGENT_DAYS: i64 = 7;
/// Up to so many days before expiry a case is of high priority.
pub const HIGH_DAYS: i64 = 15;
/// Up to so many days before expiry a case is of medium priority.
pub const MEDIUM_DAYS: i64 = 30;
/// From this premium on a case stands one step higher.
pub const LARGE_PREMIUM: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Urgent];

    /// The name in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    const fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Urgent => Self::Urgent,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The priority of a case.
///
/// | days to expiry | premium under 100,000 | 100,000 and more |
/// |---|---|---|
/// | 7 and fewer, or expired | urgent | urgent |
/// | 8 to 15 | high | urgent |
/// | 16 to 30 | medium | high |
/// | 31 and more | low | medium |
pub fn priority(days_to_expiry: i64, premium: Money) -> Priority {
    let by_days = match days_to_expiry {
        days if days <= URGENT_DAYS => Priority::Urgent,
        days if days <= HIGH_DAYS => Priority::High,
        days if days <= MEDIUM_DAYS => Priority::Medium,
        _ => Priority::Low,
    };
    if premium.amount() >= LARGE_PREMIUM { by_days.raised() } else { by_days }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let small = Money::try_from(Decimal::new(9_999_999, 2)).unwrap();
        let large = Money::try_from(LARGE_PREMIUM).unwrap();
        for (days, of_small, of_large) in [
            (i64::MIN, Priority::Urgent, Priority::Urgent),
            (-1, Priority::Urgent, Priority::Urgent),
            (7, Priority::Urgent, Priority::Urgent),
            (8, Priority::High, Priority::Urgent),
            (15, Priority::High, Priority::Urgent),
            (16, Priority::Medium, Priority::High),
            (30, Priority::Medium, Priority::High),
            (31, Priority::Low, Priority::Medium),
            (i64::MAX, Priority::Low, Priority::Medium),
        ] {
            assert_eq!((priority(days, small), priority(days, large)), (of_small, of_large), "{days}");
        }
    }

    #[test]
    fn the_name_is_what_serde_writes() {
        for priority in Priority::ALL {
            assert_eq!(serde_json::to_value(priority).unwrap(), priority.as_str());
        }
    }
}
