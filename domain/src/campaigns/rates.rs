//! A campaign's rates, in percent with one decimal.

use serde::Serialize;

/// How far a campaign's messages got. Each further step includes the steps before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted by the provider.
    pub sent: u64,
    /// Reached a device.
    pub delivered: u64,
    /// Opened or read.
    pub opened: u64,
    /// A link was followed.
    pub clicked: u64,
    /// The policy was renewed.
    pub converted: u64,
}

/// Shares of what was delivered; zero when nothing was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// Opened of delivered.
    pub open_rate: f64,
    /// Clicked of delivered.
    pub click_rate: f64,
    /// Converted of delivered.
    pub conversion_rate: f64,
    /// Delivered of sent.
    pub delivery_rate: f64,
}

impl Rates {
    /// The rates of these counts.
    pub fn of(counts: Counts) -> Self {
        Self {
            open_rate: percent(counts.opened, counts.delivered),
            click_rate: percent(counts.clicked, counts.delivered),
            conversion_rate: percent(counts.converted, counts.delivered),
            delivery_rate: percent(counts.delivered, counts.sent),
        }
    }
}

/// `part` of `whole` in percent, rounded half up to one decimal.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
    // a share beyond 429 million percent is no share
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example() {
        let rates = Rates::of(Counts { sent: 142, delivered: 138, opened: 89, clicked: 34, converted: 12 });
        assert_eq!((rates.open_rate, rates.click_rate, rates.conversion_rate), (64.5, 24.6, 8.7));
        assert_eq!(rates.delivery_rate, 97.2);
    }

    #[test]
    fn nothing_delivered_is_no_rate() {
        assert_eq!(Rates::of(Counts { sent: 5, ..Counts::default() }), Rates::default());
        assert_eq!(percent(1, 1), 100.0);
        assert_eq!(percent(1, 2000), 0.1);
        assert_eq!(percent(u64::MAX, 1), f64::from(u32::MAX) / 10.0);
    }
}
