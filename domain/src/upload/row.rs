//! One row of a sheet: good, bad with every fault it has, or blank.
//!
//! Nothing here fails otherwise. Rules that need the rest of the file or the tables (duplicates, older terms, unknown
//! branches and agents) are the importer's; their faults are made by [`RowFault`].

use super::address::Address;
use super::cell::Cell;
use super::columns::Column;
use super::currency::Currency;
use super::date::{DateOrder, DateSystem};
use super::fault::RowFault;
use super::mapping::Layout;
use super::policy_type::PolicyType;
use super::row_reader::RowReader;
use crate::contact::{Email, Phone};
use crate::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The policy number of the template's example row, which is not imported.
pub const EXAMPLE_POLICY_NUMBER: &str = "EXAMPLE-0001";

/// What the caller decides for a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRules {
    /// ISO 3166 alpha-2 of phone numbers without a country code.
    pub default_country: String,
    /// Of premiums without a currency column or sign.
    pub default_currency: Currency,
    /// How dates in numbers are read.
    pub date_order: DateOrder,
    /// How the workbook counts days.
    pub date_system: DateSystem,
    /// The day of the import, in the insurer's time zone.
    pub today: NaiveDate,
}

impl RowRules {
    /// India, rupees, day first.
    pub fn new(today: NaiveDate) -> Self {
        Self {
            default_country: "IN".to_owned(),
            default_currency: Currency::INR,
            date_order: DateOrder::DayFirst,
            date_system: DateSystem::From1900,
            today,
        }
    }
}

/// A row that can be imported. What is `None` was blank or has no column: it changes nothing of what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRow {
    /// As the sheet shows it: the first row is 1.
    pub row: u32,
    pub policy_number: String,
    /// The customer's code in the file, or [`super::customer_code`].
    pub customer_code: String,
    /// Whether the file gave the customer's code.
    pub customer_code_given: bool,
    pub first_name: String,
    /// Empty where the file has one word only.
    pub last_name: String,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub date_of_birth: Option<NaiveDate>,
    pub address: Option<Address>,
    pub policy_type: PolicyType,
    /// Above zero.
    pub premium: Money,
    pub currency: Currency,
    pub start_date: NaiveDate,
    /// After the start.
    pub end_date: NaiveDate,
    pub renewal_date: Option<NaiveDate>,
    /// 0 to 366.
    pub grace_period_days: Option<i32>,
    /// Code or name.
    pub branch: Option<String>,
    pub agent: Option<Email>,
    pub notes: Option<String>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    Good(Box<PolicyRow>),
    /// At least one fault, in the order of the columns.
    Bad(Vec<RowFault>),
    /// No cell of a known column holds anything, or it is the template's example.
    Blank,
}

/// Whether no known column holds anything, or the row is the template's example.
pub fn is_blank_row(layout: &Layout, cells: &[Cell]) -> bool {
    let cell = |column: Column| layout.place(column).and_then(|place| cells.get(place));
    let is_example =
        matches!(cell(Column::PolicyNumber), Some(Cell::Text(text)) if text.trim() == EXAMPLE_POLICY_NUMBER);
    is_example || Column::ALL.into_iter().all(|column| cell(column).is_none_or(Cell::is_empty))
}

/// Checks one row against the layout of its sheet. `row_number` is as the sheet shows it.
pub fn check_row(layout: &Layout, row_number: u32, cells: &[Cell], rules: &RowRules) -> RowOutcome {
    if is_blank_row(layout, cells) {
        return RowOutcome::Blank;
    }
    let mut reader = RowReader::new(layout, row_number, cells, rules);
    match reader.read() {
        Some(row) if reader.faults.is_empty() => RowOutcome::Good(Box::new(row)),
        _ => {
            reader.faults.sort_by_key(|fault| fault.column);
            RowOutcome::Bad(reader.faults)
        }
    }
}
