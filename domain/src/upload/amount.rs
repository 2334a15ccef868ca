//! Amounts of money as sheets hold them: numbers, and text with grouping, a currency sign or a code.
//!
//! Fails on what is no amount, on grouping that could mean two amounts ("12.345,67"), on more than two decimals, and
//! on accounting's negatives in parentheses. Nothing is rounded but the noise of binary fractions.

use super::cell::Cell;
use super::currency::Sign;
use super::text::{is_scientific, is_visible};
use rust_decimal::Decimal;

/// An amount, and the currency sign it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Exact, at most two decimals; may be negative or zero.
    pub value: Decimal,
    /// The sign or code beside it.
    pub sign: Option<Sign>,
}

/// Why a cell is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// No number.
    #[error("is not an amount; write digits such as 12345.67")]
    Unreadable,
    /// Separators that could mean two amounts.
    #[error("can be read in two ways; write it with a dot before the decimals and no dots elsewhere, such as 12345.67")]
    Ambiguous,
    /// More than two decimals.
    #[error("has more than two decimals; round it to two, such as 12345.67")]
    TooManyDecimals,
    /// `(1,200.00)`.
    #[error("is in parentheses, which stand for a negative amount; write a positive amount without them")]
    Parentheses,
    /// 1.2E+07: digits are lost.
    #[error("is in scientific notation, so digits are lost; format the column as a number with two decimals")]
    Scientific,
    /// Larger than any amount that is kept.
    #[error("is too large; amounts must be under 10,000,000,000")]
    TooLarge,
}

/// How far from two decimals a number may be and still be noise of its binary form.
const NOISE: f64 = 1e-6;

/// Reads a cell as an amount.
pub fn parse_amount(cell: &Cell) -> Result<Amount, AmountError> {
    match cell {
        Cell::Number(number) => from_number(*number).map(|value| Amount { value, sign: None }),
        Cell::Text(text) => from_text(text),
        Cell::Empty | Cell::Bool(_) | Cell::DateTime(_) | Cell::Error(_) => Err(AmountError::Unreadable),
    }
}

fn from_number(number: f64) -> Result<Decimal, AmountError> {
    const LIMIT: f64 = 1e10;
    if !number.is_finite() {
        return Err(AmountError::Unreadable);
    }
    if number.abs() >= LIMIT {
        return Err(AmountError::TooLarge);
    }
    let cents = (number * 100.0).round();
    let noise = NOISE.max(number.abs() * 4.0 * f64::EPSILON);
    if (number - cents / 100.0).abs() > noise {
        return Err(AmountError::TooManyDecimals);
    }
    #[expect(clippy::cast_possible_truncation, reason = "under LIMIT * 100")]
    let cents = cents as i64;
    Ok(Decimal::new(cents, 2))
}

fn from_text(text: &str) -> Result<Amount, AmountError> {
    const LONGEST: usize = 64;
    let text = text.trim_matches(|c: char| c.is_whitespace() || !is_visible(c));
    if text.len() > LONGEST {
        return Err(AmountError::Unreadable);
    }
    if text.starts_with('(') && text.ends_with(')') {
        return Err(AmountError::Parentheses);
    }
    // 12,000/- is how whole rupees are written
    let text = ["/-", "/=", ".-"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text).trim_end();
    let (negative, text) = sign_of_number(text);
    let (sign, text) = without_currency(text)?;
    let (inner_negative, text) = sign_of_number(text);
    let value = from_digits(text)?;
    Ok(Amount { value: if negative != inner_negative { -value } else { value }, sign })
}

fn sign_of_number(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '−', '–']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    }
}

/// Takes one currency sign or code off the front or the back.
fn without_currency(text: &str) -> Result<(Option<Sign>, &str), AmountError> {
    let is_number_character = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '−');
    let Some(start) = text.find(is_number_character) else { return Err(AmountError::Unreadable) };
    // a dot straight before the digits is a decimal point (".50") unless it ends a word ("Rs.500")
    let start = if start == 1 && text.starts_with('.') { 0 } else { start };
    let (front, rest) = text.split_at(start);
    let end = rest.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |last| last + 1);
    let (digits, back) = rest.split_at(end);
    match (front.trim(), back.trim()) {
        ("", "") => Ok((None, digits)),
        (word, "") | ("", word) => match Sign::of(word) {
            Some(sign) => Ok((Some(sign), digits.trim())),
            None if is_scientific(rest) => Err(AmountError::Scientific),
            None => Err(AmountError::Unreadable),
        },
        _ => Err(AmountError::Unreadable),
    }
}

/// Digits with optional grouping and at most one decimal point.
fn from_digits(text: &str) -> Result<Decimal, AmountError> {
    if is_scientific(text) {
        return Err(AmountError::Scientific);
    }
    let is_group_mark = |c: char| matches!(c, ',' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’');
    if !text.chars().all(|c| c.is_ascii_digit() || c == '.' || is_group_mark(c)) {
        return Err(AmountError::Unreadable);
    }
    if text.matches('.').count() > 1 {
        return Err(AmountError::Ambiguous);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.contains(is_group_mark) {
        return Err(AmountError::Ambiguous);
    }
    let digits = ungrouped(whole, is_group_mark)?;
    if digits.is_empty() && decimals.is_empty() {
        return Err(AmountError::Unreadable);
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 2 {
        return Err(AmountError::TooManyDecimals);
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > 10 {
        return Err(AmountError::TooLarge);
    }
    let cents: i64 = format!("{digits:0>1}{decimals:0<2}").parse().map_err(|_| AmountError::Unreadable)?;
    Ok(Decimal::new(cents, 2))
}

/// The digits of the whole part, if its groups are thousands (1,234,567) or lakhs and crores (12,34,567).
fn ungrouped(whole: &str, is_mark: impl Fn(char) -> bool) -> Result<String, AmountError> {
    let mut marks = whole.chars().filter(|c| is_mark(*c));
    let Some(mark) = marks.next() else { return Ok(whole.to_owned()) };
    if marks.any(|other| other != mark) {
        return Err(AmountError::Ambiguous);
    }
    let groups: Vec<&str> = whole.split(mark).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return Err(AmountError::Unreadable) };
    let all = |length: usize| middle.iter().all(|group| group.len() == length);
    let thousands = (1..=3).contains(&first.len()) && all(3);
    let lakhs = mark == ',' && (1..=2).contains(&first.len()) && all(2);
    if last.len() == 3 && (thousands || lakhs) { Ok(groups.concat()) } else { Err(AmountError::Ambiguous) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, AmountError> {
        parse_amount(&text.into()).map(|amount| amount.value.to_string())
    }

    #[test]
    fn written_forms() {
        for (text, value) in [
            ("12345.67", "12345.67"),
            ("1,23,456.50", "123456.50"),
            ("12,34,567", "1234567.00"),
            ("1,234,567.8", "1234567.80"),
            ("₹ 12,345", "12345.00"),
            ("Rs.500", "500.00"),
            ("Rs. 1,200/-", "1200.00"),
            ("INR 1200.00", "1200.00"),
            ("1200 INR", "1200.00"),
            ("inr1200", "1200.00"),
            ("$99.99", "99.99"),
            ("US$ 99", "99.00"),
            ("12 345.67", "12345.67"),
            ("12\u{a0}345", "12345.00"),
            ("12'345.67", "12345.67"),
            ("0.50", "0.50"),
            (".5", "0.50"),
            ("5.", "5.00"),
            ("100.500", "100.50"),
            ("+7", "7.00"),
            ("-7", "-7.00"),
            ("₹-7", "-7.00"),
            ("-₹7", "-7.00"),
            ("0", "0.00"),
            ("00012", "12.00"),
            ("9999999999.99", "9999999999.99"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_could_be_two_amounts_is_refused() {
        for text in ["12.345,67", "1.234.567", "12,34", "1,2345", "1,23,45", "1,234,56", "12,345 678", "1,,234"] {
            assert_eq!(read(text), Err(AmountError::Ambiguous), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, error) in [
            ("", AmountError::Unreadable),
            ("free", AmountError::Unreadable),
            ("12k", AmountError::Unreadable),
            ("1.5 lakh", AmountError::Unreadable),
            ("Rs 12 INR", AmountError::Unreadable),
            (".", AmountError::Unreadable),
            ("₹", AmountError::Unreadable),
            ("=A1*2", AmountError::Unreadable),
            (",123", AmountError::Unreadable),
            ("१२३", AmountError::Unreadable),
            ("1.2E+07", AmountError::Scientific),
            ("12.345", AmountError::TooManyDecimals),
            ("(1,200.00)", AmountError::Parentheses),
            ("12345678901", AmountError::TooLarge),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn numbers_lose_only_their_noise() {
        let read = |number: f64| parse_amount(&number.into()).map(|amount| amount.value.to_string());
        assert_eq!(read(0.1 + 0.2).as_deref(), Ok("0.30"));
        assert_eq!(read(12_345.679_999_999_999).as_deref(), Ok("12345.68"));
        assert_eq!(read(9_999_999_999.99).as_deref(), Ok("9999999999.99"));
        assert_eq!(read(12.345), Err(AmountError::TooManyDecimals));
        assert_eq!(read(1e10), Err(AmountError::TooLarge));
        assert_eq!(read(f64::NAN), Err(AmountError::Unreadable));
    }

    #[test]
    fn the_sign_is_reported() {
        let sign = |text: &str| parse_amount(&text.into()).unwrap().sign.map(Sign::meant);
        assert_eq!(sign("₹5").unwrap().as_str(), "INR");
        assert_eq!(sign("5 EUR").unwrap().as_str(), "EUR");
        assert_eq!(sign("5"), None);
    }
}
