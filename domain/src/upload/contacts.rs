//! Phone numbers and email addresses as sheets hold them.
//!
//! A cell with several numbers gives its first valid one: people write "9876543210 / 022-12345678", and one way to
//! reach the customer is what a row is for. Fails on a cell without any valid one.

use super::cell::{Cell, EXACT_NUMBER_LIMIT};
use super::text::{is_scientific, is_visible};
use crate::contact::{Email, Phone, PhoneError};

/// Why a cell holds no phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneCellError {
    /// No part of it is a number.
    #[error("is not a valid phone number; write ten digits, or + and the country code before a number from abroad")]
    NotANumber(#[from] PhoneError),
    /// 9.88E+09: digits are lost.
    #[error("is in scientific notation, so digits are lost; format the column as text and type the number again")]
    Scientific,
    /// Not text and not a whole number.
    #[error("is not a valid phone number; write ten digits, or + and the country code before a number from abroad")]
    Unreadable,
}

/// Reads a cell as a phone number; one without a country code is of `country` (ISO 3166 alpha-2).
pub fn parse_phone(cell: &Cell, country: &str) -> Result<Phone, PhoneCellError> {
    match cell {
        Cell::Text(text) => from_text(text, country),
        Cell::Number(number) if number.fract() == 0.0 && (1.0..EXACT_NUMBER_LIMIT).contains(number) => {
            Ok(parse_one(&format!("{number:.0}"), country)?)
        }
        Cell::Number(_) | Cell::Empty | Cell::Bool(_) | Cell::DateTime(_) | Cell::Error(_) => {
            Err(PhoneCellError::Unreadable)
        }
    }
}

fn from_text(text: &str, country: &str) -> Result<Phone, PhoneCellError> {
    const LONGEST: usize = 200;
    if is_scientific(text) {
        return Err(PhoneCellError::Scientific);
    }
    if text.len() > LONGEST {
        return Err(PhoneCellError::Unreadable);
    }
    let visible: String = text.chars().filter(|c| is_visible(*c) || c.is_whitespace()).collect();
    let number = visible.trim();
    // an apostrophe keeps a number text in a sheet; ".0" is what a number cell leaves in a CSV file
    let number = number.strip_prefix('\'').unwrap_or(number);
    let number = number.strip_suffix(".0").unwrap_or(number);
    let whole = match parse_one(number, country) {
        Ok(phone) => return Ok(phone),
        Err(error) => error,
    };
    let parts = number.split(['/', ',', ';', '\n', '&', '|']);
    parts.filter_map(|part| parse_one(part.trim(), country).ok()).next().ok_or(PhoneCellError::NotANumber(whole))
}

fn parse_one(text: &str, country: &str) -> Result<Phone, PhoneError> {
    // "91 98765 43210" is as often written without its plus; the reading within the country goes first
    Phone::parse(text, country).or_else(|error| {
        let bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ' || byte == b'-');
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if bare && digits > 10 && !text.starts_with('0') {
            Phone::parse(&format!("+{text}"), country).map_err(|_| error)
        } else {
            Err(error)
        }
    })
}

/// Why a cell holds no email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an email address; write it as name@example.com")]
pub struct EmailCellError;

/// Reads a cell as an email address; of several, separated by comma, semicolon or space, the first valid one.
pub fn parse_email(cell: &Cell) -> Result<Email, EmailCellError> {
    const LONGEST: usize = 1_000;
    let Cell::Text(text) = cell else { return Err(EmailCellError) };
    if text.len() > LONGEST {
        return Err(EmailCellError);
    }
    let visible: String = text.chars().filter(|c| is_visible(*c) || c.is_whitespace()).collect();
    let text = visible.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    if let Ok(email) = text.parse() {
        return Ok(email);
    }
    text.split([',', ';', '/', ' ', '\n'])
        .filter_map(|part| part.trim_matches(['<', '>', '"', '\'', ' ']).parse().ok())
        .next()
        .ok_or(EmailCellError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(cell: impl Into<Cell>) -> Result<String, PhoneCellError> {
        parse_phone(&cell.into(), "IN").map(String::from)
    }

    #[test]
    fn numbers_in_text_and_number_cells() {
        for text in [
            "9876543210",
            "98765 43210",
            "+91-9876543210",
            "0091 9876543210",
            "919876543210",
            "91 98765 43210",
            "'9876543210",
            "9876543210.0",
            "\u{202a}+91 98765 43210\u{202c}",
            "9876543210 / 022-24012345",
            "call home; 9876543210",
        ] {
            assert_eq!(phone(text).as_deref(), Ok("+919876543210"), "{text}");
        }
        assert_eq!(phone(9_876_543_210.0).as_deref(), Ok("+919876543210"));
        assert_eq!(phone(919_876_543_210.0).as_deref(), Ok("+919876543210"));
        assert_eq!(phone("+44 20 7946 0958").as_deref(), Ok("+442079460958"));
    }

    #[test]
    fn no_number() {
        for text in ["12345", "none of your business", "98765432101234567890", "0000000000"] {
            assert!(matches!(phone(text), Err(PhoneCellError::NotANumber(_))), "{text}");
        }
        assert_eq!(phone("9.87654E+09"), Err(PhoneCellError::Scientific));
        assert_eq!(phone(9.5), Err(PhoneCellError::Unreadable));
        assert_eq!(phone(-1.0), Err(PhoneCellError::Unreadable));
        assert_eq!(phone(f64::NAN), Err(PhoneCellError::Unreadable));
    }

    #[test]
    fn addresses() {
        let email = |text: &str| parse_email(&text.into()).map(String::from);
        for text in [
            "a.b@Example.com",
            " a.b@example.com ",
            "mailto:a.b@example.com",
            "a.b@example.com; c@d.in",
            "A B <a.b@example.com>",
        ] {
            assert_eq!(email(text).as_deref(), Ok("a.b@example.com"), "{text}");
        }
        assert_eq!(email("a.b(at)example.com"), Err(EmailCellError));
        assert_eq!(parse_email(&Cell::Number(5.0)), Err(EmailCellError));
    }
}
