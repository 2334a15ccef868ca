//! One cell as a sheet reader hands it over, whatever the file's format was.
//!
//! Nothing fails here; what a cell may say in a column is decided by the parsers beside this module.

use chrono::{NaiveDateTime, NaiveTime};

/// The value of one cell, formulas already replaced by their stored result.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing, or a cell that is only formatted.
    #[default]
    Empty,
    /// Text as it stands in the file, not trimmed.
    Text(String),
    /// A number in a cell not formatted as a date.
    Number(f64),
    /// TRUE or FALSE.
    Bool(bool),
    /// A number in a cell formatted as a date, already converted by the workbook's date system.
    DateTime(NaiveDateTime),
    /// `#REF!`, `#N/A` …, or a formula whose result the file does not hold.
    Error(String),
}

/// Numbers beyond this have lost digits: spreadsheets keep fifteen.
pub(super) const EXACT_NUMBER_LIMIT: f64 = 1e15;

impl Cell {
    /// Whether the sheet shows nothing here.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Number(_) | Self::Bool(_) | Self::DateTime(_) | Self::Error(_) => false,
        }
    }

    /// The cell as text: whole numbers without a fraction, dates in ISO form.
    pub fn display(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Error(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(true) => "TRUE".to_owned(),
            Self::Bool(false) => "FALSE".to_owned(),
            Self::DateTime(at) if at.time() == NaiveTime::MIN => at.date().to_string(),
            Self::DateTime(at) => at.to_string(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_shows_no_fraction() {
        assert_eq!(Cell::from(9_876_543_210.0).display(), "9876543210");
        assert_eq!(Cell::from(0.5).display(), "0.5");
    }

    #[test]
    fn white_space_shows_nothing() {
        assert!(Cell::from(" \u{a0}\t").is_empty());
        assert!(!Cell::from("-").is_empty());
    }
}
