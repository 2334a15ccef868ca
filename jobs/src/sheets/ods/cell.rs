//! What one cell of an OpenDocument sheet says: its typed value, or else its text (ODF 1.3 part 3, 19.387).
//!
//! Nothing fails; a value that cannot be read in its type is kept as text, and the row's rules will refuse it.

use crate::sheets::calamine_cells::NO_RESULT;
use crate::sheets::rows::CellRef;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// The text of a cell's paragraphs.
pub(super) type CellText = String;

/// An owned cell value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OdsCell {
    Blank,
    Text(String),
    Number(f64),
    Bool(bool),
    DateTime(NaiveDateTime),
    Error(String),
}

/// The attributes of a `table-cell` that matter.
#[derive(Debug, Default)]
pub(super) struct CellAttributes {
    pub(super) kind: String,
    pub(super) value: Option<String>,
    pub(super) is_error: bool,
    pub(super) is_formula: bool,
    pub(super) repeated: u32,
}

impl OdsCell {
    /// The cell of these attributes and paragraphs.
    pub(super) fn new(attributes: CellAttributes, text: CellText) -> Self {
        let CellAttributes { kind, value, is_error, is_formula, .. } = attributes;
        if is_error || text.starts_with("Err:") {
            return Self::Error(if text.is_empty() { "#VALUE!".to_owned() } else { text });
        }
        match (kind.as_str(), value) {
            ("float" | "percentage" | "currency", Some(value)) => {
                value.trim().parse().map_or(Self::Text(value), Self::Number)
            }
            ("date", Some(value)) => moment(&value).map_or(Self::Text(value), Self::DateTime),
            ("boolean", Some(value)) => Self::Bool(value == "true"),
            ("string", Some(value)) | (_, Some(value)) if !value.is_empty() => Self::Text(value),
            _ if !text.is_empty() => Self::Text(text),
            ("", _) if is_formula => Self::Error(NO_RESULT.to_owned()),
            _ => Self::Blank,
        }
    }

    /// The cell as rows take it.
    pub(super) fn as_ref(&self) -> Option<CellRef<'_>> {
        Some(match self {
            Self::Blank => return None,
            Self::Text(text) => CellRef::Text(text),
            Self::Number(number) => CellRef::Number(*number),
            Self::Bool(value) => CellRef::Bool(*value),
            Self::DateTime(at) => CellRef::DateTime(*at),
            Self::Error(text) => CellRef::Error(text),
        })
    }
}

/// `2025-03-05` or `2025-03-05T10:20:30.5`.
fn moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN));
    day().or_else(|| text.trim_end_matches('Z').parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(kind: &str, value: Option<&str>, text: &str) -> OdsCell {
        let attributes =
            CellAttributes { kind: kind.to_owned(), value: value.map(str::to_owned), ..CellAttributes::default() };
        OdsCell::new(attributes, text.to_owned())
    }

    #[test]
    fn values_go_before_texts() {
        let noon = NaiveDate::from_ymd_opt(2025, 3, 5).unwrap().and_hms_opt(12, 0, 0).unwrap();
        assert_eq!(cell("float", Some("1234.5"), "1,234.50"), OdsCell::Number(1234.5));
        assert_eq!(cell("currency", Some("5"), "₹ 5"), OdsCell::Number(5.0));
        assert_eq!(cell("date", Some("2025-03-05T12:00:00"), "05/03/25"), OdsCell::DateTime(noon));
        assert_eq!(cell("date", Some("2025-03-05"), ""), OdsCell::DateTime(noon.date().and_time(NaiveTime::MIN)));
        assert_eq!(cell("date", Some("never"), ""), OdsCell::Text("never".to_owned()));
        assert_eq!(cell("boolean", Some("true"), "TRUE"), OdsCell::Bool(true));
        assert_eq!(cell("string", None, "Asha"), OdsCell::Text("Asha".to_owned()));
        assert_eq!(cell("string", Some(""), ""), OdsCell::Blank);
        assert_eq!(cell("", None, ""), OdsCell::Blank);
    }

    #[test]
    fn errors_and_formulas_without_result() {
        let with = |is_error, is_formula, text: &str| {
            OdsCell::new(CellAttributes { is_error, is_formula, ..CellAttributes::default() }, text.to_owned())
        };
        assert_eq!(with(true, true, "#REF!"), OdsCell::Error("#REF!".to_owned()));
        assert_eq!(with(false, true, "Err:502"), OdsCell::Error("Err:502".to_owned()));
        assert_eq!(with(false, true, ""), OdsCell::Error(NO_RESULT.to_owned()));
    }
}
