//! How names and amounts are shown, wherever they are.

use domain::money::Money;
use rust_decimal::Decimal;

/// First and last name.
pub fn full_name(first: &str, last: &str) -> String {
    format!("{} {}", first.trim(), last.trim()).trim().to_owned()
}

/// An amount as its column keeps it: two decimals, never a float.
pub fn money(amount: Decimal) -> String {
    Money::try_from(amount).map_or_else(|_| amount.to_string(), |money| money.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_one_word_and_an_amount_has_two_decimals() {
        assert_eq!(full_name("Asha", "Rao"), "Asha Rao");
        assert_eq!(full_name(" Asha", " "), "Asha");
        assert_eq!(money(Decimal::new(125_005, 1)), "12500.50");
    }
}
