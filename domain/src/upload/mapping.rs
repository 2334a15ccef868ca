//! Which header names which column: found by alias, or given by a caller who saved it.
//!
//! A [`Mapping`] is what travels and is kept (header text to column); a [`Layout`] is a mapping laid over one header
//! row. Laying out fails on required columns that no header names and on headers that compete for one column; the
//! error is one line for the uploader.

use super::aliases::recognise;
use super::columns::Column;
use super::text::is_visible;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How many leading rows may hold the header.
pub const HEADER_SEARCH_ROWS: usize = 20;

/// Header text to column, as JSON `{"Policy No.": "policyNumber", …}`. Headers are compared without surrounding space
/// and without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(BTreeMap<String, Column>);

impl Mapping {
    /// Reads a header row by alias.
    ///
    /// Fails as [`Layout::new`] does.
    pub fn from_headers(headers: &[String]) -> Result<Self, HeaderError> {
        Ok(Layout::new(headers, None)?.mapping())
    }

    /// A mapping out of its pairs.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, Column)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The pairs, by header.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Column)> {
        self.0.iter().map(|(header, column)| (header.as_str(), *column))
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn column_of(&self, header: &str) -> Option<Column> {
        self.0.iter().find(|(known, _)| same_header(known, header)).map(|(_, column)| *column)
    }
}

fn same_header(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// A mapping laid over a header row: where in a row each column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    headers: Vec<String>,
    places: [Option<usize>; Column::COUNT],
}

impl Layout {
    /// Lays `saved` over the header row; headers it does not name are read by alias, unless their column is taken.
    ///
    /// Fails when a required column is named by no header, when headers compete for a column with equal right, or when
    /// `saved` names a header that the row does not have.
    pub fn new(headers: &[String], saved: Option<&Mapping>) -> Result<Self, HeaderError> {
        let mut claims: [Vec<(u8, usize)>; Column::COUNT] = std::array::from_fn(|_| Vec::new());
        for (place, header) in headers.iter().enumerate() {
            if let Some((column, rank)) = claim(header, saved) {
                claims[column.index()].push((rank, place));
            }
        }
        let mut places = [None; Column::COUNT];
        let mut ambiguous = Vec::new();
        for column in Column::ALL {
            let claims = &claims[column.index()];
            let Some(best) = claims.iter().map(|(rank, _)| *rank).min() else { continue };
            let winners: Vec<usize> =
                claims.iter().filter(|(rank, _)| *rank == best).map(|(_, place)| *place).collect();
            match winners[..] {
                [place] => places[column.index()] = Some(place),
                _ => ambiguous.push((column, winners.into_iter().map(|place| shown(&headers[place])).collect())),
            }
        }
        let layout = Self { headers: headers.to_vec(), places };
        let error = HeaderError {
            missing: layout.missing(&ambiguous),
            ambiguous,
            absent: saved.map(|saved| absent(saved, headers)).unwrap_or_default(),
            seen: headers.iter().filter(|header| !header.trim().is_empty()).map(|header| shown(header)).collect(),
        };
        if error.missing.is_empty() && error.ambiguous.is_empty() && error.absent.is_empty() {
            Ok(layout)
        } else {
            Err(error)
        }
    }

    /// Where in a row the column stands, counted from zero.
    pub fn place(&self, column: Column) -> Option<usize> {
        self.places[column.index()]
    }

    /// The header of the column as the sheet writes it.
    pub fn header(&self, column: Column) -> Option<&str> {
        self.place(column).and_then(|place| self.headers.get(place)).map(String::as_str)
    }

    /// The whole header row.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// What was found, for keeping and for the uploader to see.
    pub fn mapping(&self) -> Mapping {
        Mapping::from_pairs(
            Column::ALL
                .into_iter()
                .filter_map(|column| self.header(column).map(|header| (header.trim().to_owned(), column))),
        )
    }

    /// Headers whose columns are not read.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .enumerate()
            .filter(|(place, header)| !header.trim().is_empty() && !self.places.contains(&Some(*place)))
            .map(|(_, header)| header.as_str())
    }

    fn missing(&self, ambiguous: &[(Column, Vec<String>)]) -> Vec<Column> {
        let has = |column: Column| {
            self.places[column.index()].is_some() || ambiguous.iter().any(|(claimed, _)| *claimed == column)
        };
        let mut missing: Vec<Column> = Column::REQUIRED.into_iter().filter(|column| !has(*column)).collect();
        if !has(Column::FullName) && !has(Column::FirstName) {
            missing.push(Column::FullName);
        }
        missing
    }
}

/// The column a header claims, and with what rank: a saved mapping's word goes before any alias.
fn claim(header: &str, saved: Option<&Mapping>) -> Option<(Column, u8)> {
    if let Some(column) = saved.and_then(|saved| saved.column_of(header)) {
        return Some((column, 0));
    }
    let (column, rank) = recognise(header)?;
    let taken = saved.is_some_and(|saved| saved.0.values().any(|given| *given == column));
    (!taken).then_some((column, rank))
}

fn absent(saved: &Mapping, headers: &[String]) -> Vec<String> {
    saved
        .0
        .keys()
        .filter(|known| !headers.iter().any(|header| same_header(known, header)))
        .map(|known| shown(known))
        .collect()
}

/// The header as a message shows it: on one line, and short.
fn shown(header: &str) -> String {
    const LONGEST: usize = 60;
    let visible: String = header.chars().filter(|c| c.is_whitespace() || is_visible(*c)).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
}

/// How many different columns the row's cells name, if it is a header.
pub fn recognised_columns(row: &[String], saved: Option<&Mapping>) -> usize {
    let mut found = [false; Column::COUNT];
    for (column, _) in row.iter().filter_map(|header| claim(header, saved)) {
        found[column.index()] = true;
    }
    found.into_iter().filter(|found| *found).count()
}

/// Which of the leading rows is the header: the one that names the most columns, and at least three.
///
/// Titles and blank rows may stand above it. `None` when no row looks like a header.
pub fn find_header_row(rows: &[Vec<String>], saved: Option<&Mapping>) -> Option<usize> {
    const FEWEST: usize = 3;
    let mut best = None;
    for (place, row) in rows.iter().take(HEADER_SEARCH_ROWS).enumerate() {
        let count = recognised_columns(row, saved);
        if count >= FEWEST && best.is_none_or(|(_, most)| count > most) {
            best = Some((place, count));
        }
    }
    best.map(|(place, _)| place)
}

/// Why a header row cannot be used; shown in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError {
    /// Required columns that no header names; a missing name stands as [`Column::FullName`].
    pub missing: Vec<Column>,
    /// Columns that several headers name with equal right.
    pub ambiguous: Vec<(Column, Vec<String>)>,
    /// Headers of the saved mapping that the sheet does not have.
    pub absent: Vec<String>,
    /// The headers that are there.
    pub seen: Vec<String>,
}

impl std::error::Error for HeaderError {}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        let mut sentences = Vec::new();
        if !self.missing.is_empty() {
            let names: Vec<&str> = self.missing.iter().map(|column| column.title()).collect();
            sentences.push(format!("no column for {}", names.join(", ")));
        }
        for (column, headers) in &self.ambiguous {
            sentences.push(format!("several columns for {column}: \"{}\"", headers.join("\", \"")));
        }
        if !self.absent.is_empty() {
            sentences.push(format!("the mapping names headers that are not there: \"{}\"", self.absent.join("\", \"")));
        }
        write!(f, "{}; ", sentences.join("; "))?;
        match self.seen.len() {
            0 => f.write_str("no headers were seen"),
            count if count <= SHOWN => write!(f, "headers seen: {}", self.seen.join(", ")),
            count => write!(f, "headers seen: {} and {} more", self.seen[..SHOWN].join(", "), count - SHOWN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(headers: &[&str]) -> Vec<String> {
        headers.iter().map(|header| (*header).to_owned()).collect()
    }

    const GOOD: [&str; 6] = ["Policy No.", "Insured Name", "Product", "Premium (₹)", "Risk Start Date", "Expiry Date"];

    #[test]
    fn headers_are_found_by_alias_wherever_they_stand() {
        let layout = Layout::new(&row(&GOOD), None).unwrap();
        assert_eq!(layout.place(Column::Premium), Some(3));
        assert_eq!(layout.header(Column::PolicyNumber), Some("Policy No."));
        assert_eq!(layout.place(Column::Email), None);
    }

    #[test]
    fn what_is_missing_and_what_was_seen_is_one_line() {
        let error = Mapping::from_headers(&row(&["Policy No.", "Premium", "Sum\nInsured"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no column for Policy Type, Start Date, End Date, Customer Name; headers seen: Policy No., Premium, Sum Insured"
        );
    }

    #[test]
    fn the_better_of_two_headers_wins_and_equals_are_refused() {
        let mut headers = row(&GOOD);
        headers.extend(row(&["Phone", "Mobile No", "Net Premium"]));
        let layout = Layout::new(&headers, None).unwrap();
        assert_eq!(layout.header(Column::Phone), Some("Mobile No"));
        assert_eq!(layout.header(Column::Premium), Some("Premium (₹)"));
        assert_eq!(layout.ignored().collect::<Vec<_>>(), ["Phone", "Net Premium"]);

        headers.push("policy_number".to_owned());
        let error = Layout::new(&headers, None).unwrap_err();
        assert_eq!(error.ambiguous, [(Column::PolicyNumber, row(&["Policy No.", "policy_number"]))]);
        assert!(error.missing.is_empty());
    }

    #[test]
    fn a_saved_mapping_goes_before_aliases_and_must_fit() {
        let mut headers = row(&GOOD);
        headers.push("Ref".to_owned());
        let saved: Mapping = serde_json::from_str(r#"{" REF ": "policyNumber"}"#).unwrap();
        let layout = Layout::new(&headers, Some(&saved)).unwrap();
        assert_eq!(layout.header(Column::PolicyNumber), Some("Ref"));
        let error = Layout::new(&row(&GOOD), Some(&saved)).unwrap_err();
        assert_eq!(error.absent, ["REF"]);
    }

    #[test]
    fn a_mapping_survives_its_json() {
        let mapping = Mapping::from_headers(&row(&GOOD)).unwrap();
        let json = serde_json::to_string(&mapping).unwrap();
        assert!(json.contains(r#""Expiry Date":"endDate""#), "{json}");
        assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), mapping);
    }

    #[test]
    fn titles_and_blank_rows_stand_above_the_header() {
        let rows = [
            row(&["Renewals due, March", ""]),
            row(&[]),
            row(&["From", "01/03/2025", "To", "31/03/2025"]),
            row(&GOOD),
            row(&["P1"]),
        ];
        assert_eq!(find_header_row(&rows, None), Some(3));
        assert_eq!(find_header_row(&rows[..3], None), None);
    }
}
