//! Amounts of money: exact, two decimals, as `NUMERIC(12,2)` holds them.
//!
//! Construction fails on more than two decimals' worth of precision being lost or on an amount the column cannot hold.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The amount does not fit `NUMERIC(12,2)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an amount must be under 10,000,000,000 and have at most two decimals")]
pub struct MoneyError;

/// An amount in the policy's currency, rounded to nothing: what came in is what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Money(Decimal);

impl Money {
    /// The first amount that no longer fits.
    pub const LIMIT: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0);

    /// The amount as a decimal with scale two.
    pub fn amount(self) -> Decimal {
        self.0
    }

    /// Whether anything is owed.
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }
}

impl TryFrom<Decimal> for Money {
    type Error = MoneyError;
    fn try_from(amount: Decimal) -> Result<Self, MoneyError> {
        let mut rounded = amount.round_dp(2);
        if rounded != amount || amount.abs() >= Self::LIMIT {
            return Err(MoneyError);
        }
        rounded.rescale(2);
        Ok(Self(rounded))
    }
}

impl From<Money> for Decimal {
    fn from(money: Money) -> Decimal {
        money.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_the_column() {
        assert_eq!(Money::LIMIT.to_string(), "10000000000");
        assert!(Money::try_from("9999999999.99".parse::<Decimal>().unwrap()).is_ok());
        assert_eq!(Money::try_from(Money::LIMIT), Err(MoneyError));
        assert_eq!(Money::try_from("1.005".parse::<Decimal>().unwrap()), Err(MoneyError));
    }

    #[test]
    fn an_amount_always_shows_two_decimals() {
        assert_eq!(Money::try_from("12.5".parse::<Decimal>().unwrap()).unwrap().to_string(), "12.50");
    }
}
