//! How money and dates read in a message.

use crate::money::Money;
use chrono::NaiveDate;

/// `₹1,23,456.50` for rupees (lakh grouping), `$123,456.50` for others; a currency without a sign shows its code.
///
/// `currency` is an ISO 4217 code.
pub fn money_text(money: Money, currency: &str) -> String {
    let text = money.amount().abs().to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let indian = currency.eq_ignore_ascii_case("INR");
    let sign = if money.amount().is_sign_negative() && !money.amount().is_zero() { "-" } else { "" };
    let grouped = group(whole, if indian { 2 } else { 3 });
    match currency.to_ascii_uppercase().as_str() {
        "INR" => format!("{sign}₹{grouped}.{cents}"),
        "USD" => format!("{sign}${grouped}.{cents}"),
        "EUR" => format!("{sign}€{grouped}.{cents}"),
        "GBP" => format!("{sign}£{grouped}.{cents}"),
        other => format!("{sign}{other} {grouped}.{cents}"),
    }
}

/// `15 Jun 2024`: read alike in every country, unlike 06/05.
pub fn date_text(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// Commas before the last three digits, then before every `step` digits.
fn group(digits: &str, step: usize) -> String {
    let Some(split) = digits.len().checked_sub(3).filter(|split| *split > 0) else { return digits.to_owned() };
    let (head, tail) = digits.split_at(split);
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in head.chars().enumerate() {
        if index > 0 && (head.len() - index).is_multiple_of(step) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped.push(',');
    grouped.push_str(tail);
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn money(text: &str) -> Money {
        Money::try_from(text.parse::<Decimal>().unwrap()).unwrap()
    }

    #[test]
    fn rupees_are_grouped_in_lakhs_and_crores() {
        for (amount, text) in [
            ("0", "₹0.00"),
            ("12.5", "₹12.50"),
            ("999", "₹999.00"),
            ("1000", "₹1,000.00"),
            ("99999", "₹99,999.00"),
            ("123456.5", "₹1,23,456.50"),
            ("1234567", "₹12,34,567.00"),
            ("9999999999.99", "₹9,99,99,99,999.99"),
            ("-123456", "-₹1,23,456.00"),
        ] {
            assert_eq!(money_text(money(amount), "INR"), text);
        }
    }

    #[test]
    fn others_are_grouped_in_thousands() {
        assert_eq!(money_text(money("1234567.5"), "usd"), "$1,234,567.50");
        assert_eq!(money_text(money("123456"), "AED"), "AED 123,456.00");
    }

    #[test]
    fn a_date_names_its_month() {
        assert_eq!(date_text(NaiveDate::from_ymd_opt(2024, 6, 5).unwrap()), "5 Jun 2024");
    }
}
