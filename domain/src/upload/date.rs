//! Dates as sheets hold them: date cells, serial numbers, and text in the usual written forms.
//!
//! Fails on what is no date, on a day that does not exist, and on text that could only be read month first while the
//! file is read day first: that is refused and not guessed, since its neighbours would be read wrongly in silence.
//! Whether a date makes sense in its column is decided by the row's rules.

use super::cell::Cell;
use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// Which comes first where a date is written in numbers with the year last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DateOrder {
    /// 31/12/2025.
    #[default]
    DayFirst,
    /// 12/31/2025.
    MonthFirst,
}

/// From which day a workbook counts its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateSystem {
    /// Day 1 is 1900-01-01, and day 60 a 29 February that never was (ECMA-376 part 1, 18.17.4.1).
    #[default]
    From1900,
    /// Day 0 is 1904-01-01, as old Macintosh workbooks count.
    From1904,
}

/// How a year of two digits is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Century {
    /// 00–69 are 2000–2069, 70–99 are 1970–1999 (the POSIX pivot).
    Pivot,
    /// The latest year that is not after this one: dates of birth.
    NotAfter(i32),
}

/// Why a cell is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not in a form that is read.
    #[error("is not a date; write it as 31/12/2025, 2025-12-31 or 31-Dec-2025")]
    Unreadable,
    /// A form that is read, but no such day.
    #[error("is not a day of the calendar; check day and month")]
    NoSuchDay,
    /// Only readable in the other order.
    #[error("reads as month first ({month_first}), but dates here are read day first; write {day_first}")]
    MonthFirst {
        /// The date in the order it was written.
        month_first: NaiveDate,
        /// The same day as it should be written.
        day_first: String,
    },
    /// Only readable in the other order.
    #[error("reads as day first ({day_first}), but dates here are read month first; write {month_first}")]
    DayFirst {
        /// The date in the order it was written.
        day_first: NaiveDate,
        /// The same day as it should be written.
        month_first: String,
    },
    /// A number no date system has a day for.
    #[error("is a number that is no date; format the cell as a date")]
    Serial,
}

/// Reads a cell as a date; a time of day is dropped.
pub fn parse_date(cell: &Cell, order: DateOrder, system: DateSystem, century: Century) -> Result<NaiveDate, DateError> {
    match cell {
        Cell::DateTime(at) => Ok(at.date()),
        Cell::Number(number) => from_number(*number, system),
        Cell::Text(text) => from_text(text, order, century),
        Cell::Empty | Cell::Bool(_) | Cell::Error(_) => Err(DateError::Unreadable),
    }
}

impl DateSystem {
    /// The day a serial number stands for; `None` for what no sheet shows as a date.
    pub fn day(self, serial: f64) -> Option<NaiveDate> {
        const LAST_SERIAL: f64 = 2_958_466.0;
        if !(0.0..LAST_SERIAL).contains(&serial) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and LAST_SERIAL")]
        let day = serial.floor() as u64;
        match self {
            Self::From1904 => NaiveDate::from_ymd_opt(1904, 1, 1)?.checked_add_days(Days::new(day)),
            Self::From1900 if day == 0 || day == 60 => None,
            Self::From1900 if day < 60 => NaiveDate::from_ymd_opt(1899, 12, 31)?.checked_add_days(Days::new(day)),
            Self::From1900 => NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(day)),
        }
    }
}

/// A serial number, or the eight digits of 20251231.
fn from_number(number: f64, system: DateSystem) -> Result<NaiveDate, DateError> {
    if number.fract() == 0.0 && (18_000_101.0..=99_991_231.0).contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "within eight digits")]
        let digits = number as i64;
        return from_eight_digits(digits);
    }
    system.day(number).ok_or(DateError::Serial)
}

fn from_eight_digits(digits: i64) -> Result<NaiveDate, DateError> {
    let part = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    let year = i32::try_from(digits / 10_000).map_err(|_| DateError::Unreadable)?;
    NaiveDate::from_ymd_opt(year, part(digits / 100 % 100), part(digits % 100)).ok_or(DateError::NoSuchDay)
}

/// One piece of a written date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Number { value: u32, digits: usize },
    Month(u32),
}

fn from_text(text: &str, order: DateOrder, century: Century) -> Result<NaiveDate, DateError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || !super::text::is_visible(c));
    let text = without_time(text);
    let [first, second, third] = match pieces(text)? {
        Pieces::Three(pieces) => pieces,
        Pieces::EightDigits(digits) => return from_eight_digits(digits),
    };
    match (first, second, third) {
        (Piece::Number { value: year, digits: 4 }, month, Piece::Number { value: day, .. }) => {
            day_of(i32::try_from(year).unwrap_or(i32::MAX), number_of(month), day)
        }
        (Piece::Number { value: day, .. }, Piece::Month(month), Piece::Number { value: year, digits })
        | (Piece::Month(month), Piece::Number { value: day, .. }, Piece::Number { value: year, digits }) => {
            day_of(full_year(year, digits, century)?, month, day)
        }
        (Piece::Number { value: one, .. }, Piece::Number { value: two, .. }, Piece::Number { value: year, digits }) => {
            in_order(one, two, full_year(year, digits, century)?, order)
        }
        _ => Err(DateError::Unreadable),
    }
}

fn number_of(piece: Piece) -> u32 {
    match piece {
        Piece::Number { value, .. } | Piece::Month(value) => value,
    }
}

fn day_of(year: i32, month: u32, day: u32) -> Result<NaiveDate, DateError> {
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateError::NoSuchDay)
}

fn in_order(one: u32, two: u32, year: i32, order: DateOrder) -> Result<NaiveDate, DateError> {
    let day_first = NaiveDate::from_ymd_opt(year, two, one);
    let month_first = NaiveDate::from_ymd_opt(year, one, two);
    match (order, day_first, month_first) {
        (DateOrder::DayFirst, Some(date), _) | (DateOrder::MonthFirst, _, Some(date)) => Ok(date),
        (DateOrder::DayFirst, None, Some(date)) => {
            Err(DateError::MonthFirst { month_first: date, day_first: date.format("%d/%m/%Y").to_string() })
        }
        (DateOrder::MonthFirst, Some(date), None) => {
            Err(DateError::DayFirst { day_first: date, month_first: date.format("%m/%d/%Y").to_string() })
        }
        (_, None, None) => Err(DateError::NoSuchDay),
    }
}

fn full_year(year: u32, digits: usize, century: Century) -> Result<i32, DateError> {
    let year = i32::try_from(year).map_err(|_| DateError::Unreadable)?;
    match (digits, century) {
        (4, _) => Ok(year),
        (2, Century::Pivot) => Ok(if year < 70 { 2000 + year } else { 1900 + year }),
        (2, Century::NotAfter(last)) => {
            let near = last - last.rem_euclid(100) + year;
            Ok(if near > last { near - 100 } else { near })
        }
        _ => Err(DateError::Unreadable),
    }
}

/// The text before a time of day, if one follows: "2025-12-31T00:00:00Z", "31/12/2025 12:00 AM".
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else { return text };
    let before = &text[..colon];
    let hour = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let hour_digits = before.len() - hour.len();
    match hour.chars().next_back() {
        Some('T' | ' ' | 't' | '\u{a0}') if (1..=2).contains(&hour_digits) && is_time(&text[hour.len()..]) => {
            hour.trim_end_matches(['T', 't', ' ', '\u{a0}', ','])
        }
        _ => text,
    }
}

fn is_time(text: &str) -> bool {
    text.len() <= 32
        && text.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, ':' | '.' | '+' | '-' | ' ' | 'Z' | 'A' | 'P' | 'M' | 'a' | 'p' | 'm')
        })
}

enum Pieces {
    Three([Piece; 3]),
    EightDigits(i64),
}

/// Splits at one kind of separator: `/`, `-`, `.` or space (with an optional comma or dot after a word).
fn pieces(text: &str) -> Result<Pieces, DateError> {
    const LONGEST: usize = 32;
    if text.is_empty() || text.len() > LONGEST {
        return Err(DateError::Unreadable);
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Pieces::EightDigits).map_err(|_| DateError::Unreadable);
    }
    let separator = if text.contains('/') {
        '/'
    } else if text.contains('-') {
        '-'
    } else if text.matches('.').count() == 2 {
        '.'
    } else {
        ' '
    };
    let mut found = [Piece::Month(0); 3];
    let mut count = 0;
    for part in text.split(|c: char| c == separator || (separator == ' ' && matches!(c, ',' | '\u{a0}'))) {
        let part = part.trim();
        if part.is_empty() && separator == ' ' {
            continue;
        }
        *found.get_mut(count).ok_or(DateError::Unreadable)? = piece(part)?;
        count += 1;
    }
    if count == 3 { Ok(Pieces::Three(found)) } else { Err(DateError::Unreadable) }
}

fn piece(part: &str) -> Result<Piece, DateError> {
    let ordinal = ["st", "nd", "rd", "th"].iter().find_map(|suffix| part.strip_suffix(suffix));
    let number = ordinal.unwrap_or(part);
    if (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = number.parse().map_err(|_| DateError::Unreadable)?;
        return Ok(Piece::Number { value, digits: number.len() });
    }
    month(part.trim_end_matches('.')).map(Piece::Month).ok_or(DateError::Unreadable)
}

/// English month names, whole or from the first three letters on.
fn month(name: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if name.len() < 3 || !name.is_ascii() {
        return None;
    }
    let name = name.to_ascii_lowercase();
    MONTHS.iter().zip(1..).find(|(month, _)| month.starts_with(&name)).map(|(_, number)| number)
}

/// Whether the date is one an insurer can mean: nothing before 1900, nothing centuries ahead.
pub(super) fn is_plausible(date: NaiveDate) -> bool {
    (1900..=2200).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn read(text: &str) -> Result<NaiveDate, DateError> {
        parse_date(&text.into(), DateOrder::DayFirst, DateSystem::From1900, Century::Pivot)
    }

    #[test]
    fn written_forms() {
        for text in [
            "2025-03-05",
            "2025/03/05",
            "2025.03.05",
            "05/03/2025",
            "5/3/2025",
            "05-03-2025",
            "05.03.2025",
            "5-Mar-25",
            "05-MAR-2025",
            "5 Mar 2025",
            "5 March 2025",
            "5th March, 2025",
            "Mar 5, 2025",
            "05/Mar/2025",
            "5/3/25",
            "20250305",
            " 05/03/2025 ",
            "\u{202a}05/03/2025\u{202c}",
            "2025-03-05T00:00:00",
            "2025-03-05T10:20:30.000Z",
            "2025-03-05 00:00:00",
            "05/03/2025 12:00 AM",
            "05-03-2025 0:00",
            "2025-Mar-05",
            "5 Mar. 2025",
            "2025-03-05T10:00:00+05:30",
        ] {
            assert_eq!(read(text), Ok(date(2025, 3, 5)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "soon",
            "2025",
            "03/2025",
            "45000",
            "1/2/3/4",
            "05/03-2025",
            "5 Ma 2025",
            "05/03/225",
            "12:30",
            "a/b/c",
            "٥/٣/٢٠٢٥",
        ] {
            assert_eq!(read(text), Err(DateError::Unreadable), "{text}");
        }
        for text in ["31/02/2025", "2025-13-01", "00/00/0000", "29-Feb-2025", "20251301", "32/13/2025"] {
            assert_eq!(read(text), Err(DateError::NoSuchDay), "{text}");
        }
    }

    #[test]
    fn the_other_order_is_refused_and_not_guessed() {
        let error = read("12/31/2025").unwrap_err();
        assert_eq!(
            error.to_string(),
            "reads as month first (2025-12-31), but dates here are read day first; write 31/12/2025"
        );
        let month_first =
            |text: &str| parse_date(&text.into(), DateOrder::MonthFirst, DateSystem::From1900, Century::Pivot);
        assert_eq!(month_first("12/31/2025"), Ok(date(2025, 12, 31)));
        assert_eq!(month_first("05/03/2025"), Ok(date(2025, 5, 3)));
        assert!(matches!(month_first("31/12/2025"), Err(DateError::DayFirst { .. })));
    }

    #[test]
    fn years_of_two_digits() {
        assert_eq!(read("1-Jan-69"), Ok(date(2069, 1, 1)));
        assert_eq!(read("1-Jan-70"), Ok(date(1970, 1, 1)));
        let born =
            |text: &str| parse_date(&text.into(), DateOrder::DayFirst, DateSystem::From1900, Century::NotAfter(2025));
        assert_eq!(born("1-Jan-25"), Ok(date(2025, 1, 1)));
        assert_eq!(born("1-Jan-26"), Ok(date(1926, 1, 1)));
    }

    #[test]
    fn serial_numbers_of_both_systems() {
        let from_1900 = DateSystem::From1900;
        assert_eq!(from_1900.day(1.0), Some(date(1900, 1, 1)));
        assert_eq!(from_1900.day(59.0), Some(date(1900, 2, 28)));
        assert_eq!(from_1900.day(60.0), None, "29 February 1900 never was");
        assert_eq!(from_1900.day(61.0), Some(date(1900, 3, 1)));
        assert_eq!(from_1900.day(45_721.75), Some(date(2025, 3, 5)));
        assert_eq!(from_1900.day(2_958_465.0), Some(date(9999, 12, 31)));
        assert_eq!(DateSystem::From1904.day(44_259.0), Some(date(2025, 3, 5)));
        assert_eq!(DateSystem::From1904.day(0.0), Some(date(1904, 1, 1)));
        for bad in [-1.0, 0.0, f64::NAN, f64::INFINITY, 1e300, 2_958_466.0] {
            assert_eq!(from_1900.day(bad), None, "{bad}");
        }
    }

    #[test]
    fn eight_digits_in_a_number_cell() {
        let cell = Cell::Number(20_250_305.0);
        assert_eq!(parse_date(&cell, DateOrder::DayFirst, DateSystem::From1900, Century::Pivot), Ok(date(2025, 3, 5)));
    }
}
