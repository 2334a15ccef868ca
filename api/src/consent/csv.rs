//! The suppression list as CSV: its columns, read and written alike.
//!
//! What a spreadsheet would take for a formula is written behind an apostrophe, which is taken off again when it is read.
//! Reading fails with every fault, by line, and gives nothing then.

use super::suppressions::normal;
use crate::envelope::FieldFault;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{
    ids::UserId,
    messaging::{Channel, SuppressionReason, SuppressionScope, SuppressionSource},
};
use schema::consent::suppressions::{NewSuppression, SuppressionRow};
use std::str::FromStr;

/// Rows of one file.
pub const ROWS: usize = 100_000;
/// No caller reads more faults than this at once.
const FAULTS: usize = 50;
/// The columns of a file that is written.
pub const HEADER: [&str; 8] = ["channel", "address", "reason", "scope", "source", "detail", "created_at", "expires_at"];

/// What a file's rows are read with.
pub struct Reading<'a> {
    /// What numbers without a country prefix belong to.
    pub country: &'a str,
    /// Who brought it.
    pub by: UserId,
    /// The time.
    pub now: DateTime<Utc>,
}

/// The entries of a file, or everything that is wrong with it.
pub fn read(file: &[u8], with: &Reading<'_>) -> Result<Vec<NewSuppression>, Vec<FieldFault>> {
    let fault = |field: &str, message: String| FieldFault { field: field.to_owned(), message };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|error| vec![fault("file", error.to_string())])?.clone();
    // a byte order mark belongs to no name
    let place = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
    let missing: Vec<FieldFault> = ["channel", "address"]
        .into_iter()
        .filter(|name| place(name).is_none())
        .map(|name| fault(name, format!("the file has no column {name}")))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let places = Places {
        channel: place("channel"),
        address: place("address"),
        reason: place("reason"),
        scope: place("scope"),
        detail: place("detail"),
        expires_at: place("expires_at"),
    };
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (row, record) in reader.records().enumerate() {
        if row >= ROWS {
            faults.push(fault("file", format!("has more than {ROWS} rows")));
        }
        if faults.len() >= FAULTS || row >= ROWS {
            break;
        }
        // the first row of data stands in line 2, and rows may span lines: the row is told
        let field = |name: &str| format!("row {}, {name}", row + 1);
        match record {
            Err(error) => faults.push(fault(&field("all"), error.to_string())),
            Ok(record) => match places.entry(&record, with) {
                Ok(entry) => entries.push(entry),
                Err((name, message)) => faults.push(fault(&field(name), message)),
            },
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

struct Places {
    channel: Option<usize>,
    address: Option<usize>,
    reason: Option<usize>,
    scope: Option<usize>,
    detail: Option<usize>,
    expires_at: Option<usize>,
}

impl Places {
    fn entry(&self, record: &csv::StringRecord, with: &Reading<'_>) -> Result<NewSuppression, (&'static str, String)> {
        let cell = |place: Option<usize>| {
            let text = place.and_then(|place| record.get(place)).unwrap_or_default();
            Some(text.strip_prefix('\'').unwrap_or(text)).filter(|text| !text.is_empty())
        };
        let channel: Channel = named("channel", cell(self.channel))?.ok_or(("channel", "is required".to_owned()))?;
        let address = cell(self.address).ok_or(("address", "is required".to_owned()))?;
        let address = normal(channel, address, with.country).map_err(|problem| ("address", problem))?;
        let reason = named("reason", cell(self.reason))?.unwrap_or(SuppressionReason::DoNotDisturb);
        // lists of those who are not to be disturbed are about marketing
        let usual = match reason {
            SuppressionReason::DoNotDisturb => SuppressionScope::Marketing,
            _ => SuppressionScope::All,
        };
        let scope = named("scope", cell(self.scope))?.unwrap_or(usual);
        let expires_at = cell(self.expires_at).map(|text| until(text, with.now)).transpose();
        let detail = cell(self.detail);
        if detail.is_some_and(|text| text.contains('\0') || text.chars().count() > NewSuppression::DETAIL_LIMIT) {
            return Err(("detail", format!("expected text of at most {} characters", NewSuppression::DETAIL_LIMIT)));
        }
        Ok(NewSuppression {
            channel,
            address,
            reason,
            scope,
            source: SuppressionSource::Import,
            detail: detail.map(str::to_owned),
            message: None,
            created_by: Some(with.by),
            expires_at: expires_at.map_err(|problem| ("expires_at", problem))?,
        })
    }
}

fn named<T: FromStr>(column: &'static str, text: Option<&str>) -> Result<Option<T>, (&'static str, String)>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| text.to_lowercase().parse().map_err(|error: T::Err| (column, error.to_string()))).transpose()
}

/// A time, or a day, which ends at its midnight.
fn until(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    let day = || {
        text.parse::<NaiveDate>().ok().and_then(|day| day.succ_opt()).map(|day| day.and_time(NaiveTime::MIN).and_utc())
    };
    let end = time.or_else(day).ok_or("expected a date such as 2027-01-31, or a time such as 2027-01-31T10:00:00Z")?;
    if end <= now { Err("lies behind".to_owned()) } else { Ok(end) }
}

/// Rows as lines of a file.
pub fn write(rows: &[SuppressionRow], with_header: bool) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_header {
        writer.write_record(HEADER)?;
    }
    for row in rows {
        writer.write_record([
            row.channel.as_str(),
            &plain(&row.address),
            row.reason.as_str(),
            row.scope.as_str(),
            row.source.as_str(),
            &plain(row.detail.as_deref().unwrap_or_default()),
            &row.created_at.to_rfc3339(),
            &row.expires_at.map(|end| end.to_rfc3339()).unwrap_or_default(),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn plain(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with() -> Reading<'static> {
        Reading { country: "IN", by: UserId(1), now: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let file = "\u{feff}channel,address,reason,scope,detail,expires_at\n\
            SMS, 98765 43210,,,,\n\
            email,Asha@Example.com,complaint,,'=1+1,1970-02-01\n";
        let entries = read(file.as_bytes(), &with()).unwrap();
        assert_eq!((entries[0].address.as_str(), entries[0].scope), ("+919876543210", SuppressionScope::Marketing));
        assert_eq!((entries[1].address.as_str(), entries[1].scope), ("asha@example.com", SuppressionScope::All));
        assert_eq!(entries[1].detail.as_deref(), Some("=1+1"));
        assert_eq!(entries[1].expires_at.unwrap().to_rfc3339(), "1970-02-02T00:00:00+00:00");
    }

    #[test]
    fn faults_are_told_by_row_and_column() {
        let file =
            "channel,address,reason,expires_at\nsms,12,,\nfax,1,,\nemail,a@b.example,mood,\nemail,a@b.example,,soon\n";
        let fields: Vec<String> = read(file.as_bytes(), &with()).unwrap_err().into_iter().map(|f| f.field).collect();
        assert_eq!(fields, ["row 1, address", "row 2, channel", "row 3, reason", "row 4, expires_at"]);
        assert_eq!(read(b"phone\n1\n", &with()).unwrap_err().len(), 2);
    }

    #[test]
    fn nothing_that_is_written_is_a_formula_and_it_reads_back() {
        let row = SuppressionRow {
            id: 1,
            channel: Channel::Sms,
            address: "+919876543210".to_owned(),
            reason: SuppressionReason::Manual,
            scope: SuppressionScope::All,
            source: SuppressionSource::Staff,
            detail: Some("=HYPERLINK(\"http://x\")".to_owned()),
            message_id: None,
            created_by: None,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
        };
        let file = write(&[row], true).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.contains(",'+919876543210,") && text.contains("\"'=HYPERLINK"), "{text}");
        let again = read(&file, &with()).unwrap();
        assert_eq!(again[0].address, "+919876543210");
        assert_eq!(again[0].detail.as_deref(), Some("=HYPERLINK(\"http://x\")"));
    }
}
