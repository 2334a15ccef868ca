//! What WhatsApp thinks of a sending number, and what follows from it for how much is sent.
//!
//! A number that people block or report is judged worse, and a number judged badly loses its limits: what is sent slows
//! down before that. How many people a business may write to first within a day is a limit of its own, by tier.

use crate::text_enum::text_enum;

text_enum! {
    /// The vendor's judgement of a number.
    pub enum Quality {
        /// People take its messages well.
        Green = "GREEN",
        /// Some do not.
        Yellow = "YELLOW",
        /// Many do not: the number is about to lose its limit.
        Red = "RED",
    }
}

impl Quality {
    /// What the number's rate is divided by.
    pub const fn slowness(self) -> u32 {
        match self {
            Self::Green => 1,
            Self::Yellow => 2,
            Self::Red => 8,
        }
    }
}

/// How many different people may be written to first within a day, by the vendor's name of the tier. `Some(None)`: as
/// many as one likes; `None`: not a tier that says.
pub fn daily_recipients(tier: &str) -> Option<Option<u32>> {
    let tier = tier.strip_prefix("TIER_")?;
    if tier == "UNLIMITED" {
        return Some(None);
    }
    let (digits, thousands) = match tier.strip_suffix('K') {
        Some(digits) => (digits, 1_000),
        None => (tier, 1),
    };
    let count: u32 = digits.parse().ok()?;
    count.checked_mul(thousands).filter(|count| *count > 0).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_numbers_of_people() {
        let read = ["TIER_50", "TIER_250", "TIER_2K", "TIER_100K", "TIER_UNLIMITED"].map(daily_recipients);
        assert_eq!(read, [Some(Some(50)), Some(Some(250)), Some(Some(2_000)), Some(Some(100_000)), Some(None)]);
        let none = ["TIER_NOT_SET", "", "TIER_", "TIER_0", "TIER_9999999K", "1K"].map(daily_recipients);
        assert_eq!(none, [None; 6]);
    }

    #[test]
    fn the_worse_the_slower() {
        assert!(Quality::Green.slowness() < Quality::Yellow.slowness());
        assert!(Quality::Yellow.slowness() < Quality::Red.slowness());
    }
}
