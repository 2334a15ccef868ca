//! Reads the cells of one row column by column and gathers its faults.
//!
//! What describes the customer is read in [`super::row_person`]. Each `read_…` answers `None` both for a blank cell and for a faulty one; the fault is in the list then. A row is
//! good when the list stays empty.

use super::amount::{AmountError, parse_amount};
use super::cell::{Cell, EXACT_NUMBER_LIMIT};
use super::columns::Column;
use super::currency::{Currency, Sign};
use super::customer_code::customer_code;
use super::date::{Century, DateError, is_plausible, parse_date};
use super::fault::{FaultCode, RowFault};
use super::mapping::Layout;
use super::policy_type::PolicyType;
use super::row::{PolicyRow, RowRules};
use super::text::{TextError, clean_line, clean_notes, is_blank, is_scientific};
use crate::money::Money;
use chrono::NaiveDate;
use std::borrow::Cow;

/// The longest grace period that is believed, in days.
const LONGEST_GRACE_DAYS: i32 = 366;

pub(super) struct RowReader<'a> {
    pub(super) layout: &'a Layout,
    row: u32,
    cells: &'a [Cell],
    pub(super) rules: &'a RowRules,
    pub(super) faults: Vec<RowFault>,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(layout: &'a Layout, row: u32, cells: &'a [Cell], rules: &'a RowRules) -> Self {
        Self { layout, row, cells, rules, faults: Vec::new() }
    }

    /// Reads every column, so that every fault of the row is found.
    pub(super) fn read(&mut self) -> Option<PolicyRow> {
        let policy_number = self.required(Column::PolicyNumber, Self::read_line);
        let given_code = self.read_line(Column::CustomerCode);
        let name = self.read_name();
        let email = self.read_email(Column::Email);
        let phone = self.read_phone();
        let date_of_birth = self.read_birth();
        let address = self.read_address();
        let policy_type = self.required(Column::PolicyType, Self::read_policy_type);
        let currency = self.read_currency();
        let premium = self.required(Column::Premium, Self::read_premium);
        let start_date = self.required(Column::StartDate, Self::read_date);
        let end_date = self.required(Column::EndDate, Self::read_date);
        let renewal_date = self.read_date(Column::RenewalDate);
        self.check_term(start_date, end_date, renewal_date);
        let grace_period_days = self.read_grace();
        let branch = self.read_line(Column::Branch);
        let agent = self.read_email(Column::Agent);
        let notes = self.read_notes();
        let (premium, sign) = premium?;
        let currency = self.settle_currency(currency, sign)?;
        let (first_name, last_name) = name?;
        let mut row = PolicyRow {
            row: self.row,
            policy_number: policy_number?,
            customer_code: String::new(),
            customer_code_given: given_code.is_some(),
            first_name,
            last_name,
            email,
            phone,
            date_of_birth,
            address,
            policy_type: policy_type?,
            premium,
            currency,
            start_date: start_date?,
            end_date: end_date?,
            renewal_date,
            grace_period_days,
            branch,
            agent,
            notes,
        };
        row.customer_code = given_code.unwrap_or_else(|| customer_code(&row));
        Some(row)
    }

    fn raw(&self, column: Column) -> Option<&'a Cell> {
        self.layout.place(column).and_then(|place| self.cells.get(place))
    }

    /// The cell, unless it stands for nothing; a cell that shows an error is a fault.
    pub(super) fn cell(&mut self, column: Column, blank: fn(&str) -> bool) -> Option<&'a Cell> {
        let cell = self.raw(column)?;
        match cell {
            Cell::Empty => None,
            Cell::Text(text) if blank(text) => None,
            Cell::Error(text) if text == "#N/A" => None,
            Cell::Error(text) => {
                let problem = format!("shows {text}; correct the formula, or put its value in the cell");
                self.fault(column, FaultCode::CellError, &problem);
                None
            }
            cell => Some(cell),
        }
    }

    pub(super) fn fault(&mut self, column: Column, code: FaultCode, problem: &str) {
        let value = self.raw(column).map(Cell::display).unwrap_or_default();
        self.faults.push(RowFault::of_cell(self.row, column, self.layout, &value, code, problem));
    }

    /// Reads a column, and adds a fault if it is blank.
    fn required<T>(&mut self, column: Column, read: fn(&mut Self, Column) -> Option<T>) -> Option<T> {
        let before = self.faults.len();
        let value = read(self, column);
        if value.is_none() && self.faults.len() == before {
            self.fault(column, FaultCode::MissingRequired, "is missing; fill in the cell");
        }
        value
    }

    pub(super) fn read_line(&mut self, column: Column) -> Option<String> {
        self.read_text(column, is_blank, clean_line)
    }

    fn read_notes(&mut self) -> Option<String> {
        self.read_text(Column::Notes, is_blank, clean_notes)
    }

    pub(super) fn read_text(
        &mut self,
        column: Column,
        blank: fn(&str) -> bool,
        clean: fn(&str, usize) -> Result<String, TextError>,
    ) -> Option<String> {
        let cell = self.cell(column, blank)?;
        let text = self.text_of(column, cell)?;
        match clean(&text, column.max_length().unwrap_or(RowFault::VALUE_LIMIT)) {
            Ok(text) => (!blank(&text)).then_some(text),
            Err(error) => {
                let code = match error {
                    TextError::Nul => FaultCode::ForbiddenCharacter,
                    TextError::Unreadable => FaultCode::UnreadableText,
                    TextError::TooLong { .. } => FaultCode::TooLong,
                };
                self.fault(column, code, &error.to_string());
                None
            }
        }
    }

    /// The text of a cell of a text column; numbers and dates that a spreadsheet made of it are faults.
    fn text_of(&mut self, column: Column, cell: &'a Cell) -> Option<Cow<'a, str>> {
        let identifies = matches!(column, Column::PolicyNumber | Column::CustomerCode);
        match cell {
            Cell::Text(text) if !(identifies && is_scientific(text)) => Some(Cow::Borrowed(text)),
            Cell::Number(number) if number.abs() < EXACT_NUMBER_LIMIT || !identifies => {
                Some(Cow::Owned(cell.display()))
            }
            Cell::Text(_) | Cell::Number(_) => {
                let problem =
                    "is kept as a number and has lost its last digits; format the column as text and type it again";
                self.fault(column, FaultCode::NumberLostDigits, problem);
                None
            }
            Cell::DateTime(_) if identifies => {
                let problem = "was turned into a date by the spreadsheet; format the column as text and type it again";
                self.fault(column, FaultCode::TurnedIntoDate, problem);
                None
            }
            other => Some(Cow::Owned(other.display())),
        }
    }

    fn read_policy_type(&mut self, column: Column) -> Option<PolicyType> {
        let text = self.read_line_unbounded(column)?;
        match text.parse() {
            Ok(kind) => Some(kind),
            Err(error) => {
                let error: super::policy_type::UnknownPolicyType = error;
                self.fault(column, FaultCode::UnknownPolicyType, &error.to_string());
                None
            }
        }
    }

    fn read_line_unbounded(&mut self, column: Column) -> Option<Cow<'a, str>> {
        let cell = self.cell(column, is_blank)?;
        self.text_of(column, cell)
    }

    /// The currency column's word; `Some(None)` when it says nothing, `None` when it is faulty.
    fn read_currency(&mut self) -> Option<Option<Currency>> {
        let Some(text) = self.read_line_unbounded(Column::Currency) else {
            return self.faults.last().is_none_or(|fault| fault.column != Some(Column::Currency)).then_some(None);
        };
        match text.parse::<Currency>() {
            Ok(currency) => Some(Some(currency)),
            Err(error) => {
                self.fault(Column::Currency, FaultCode::UnknownCurrency, &error.to_string());
                None
            }
        }
    }

    fn read_premium(&mut self, column: Column) -> Option<(Money, Option<Sign>)> {
        let cell = self.cell(column, is_blank)?;
        let amount = match parse_amount(cell) {
            Ok(amount) => amount,
            Err(error) => {
                let code = match error {
                    AmountError::Unreadable => FaultCode::BadAmount,
                    AmountError::Ambiguous => FaultCode::AmbiguousAmount,
                    AmountError::TooManyDecimals => FaultCode::TooManyDecimals,
                    AmountError::Parentheses => FaultCode::NonPositivePremium,
                    AmountError::Scientific => FaultCode::NumberLostDigits,
                    AmountError::TooLarge => FaultCode::AmountTooLarge,
                };
                self.fault(column, code, &error.to_string());
                return None;
            }
        };
        match Money::try_from(amount.value) {
            Ok(premium) if premium.is_positive() => Some((premium, amount.sign)),
            Ok(_) => {
                self.fault(column, FaultCode::NonPositivePremium, "must be more than zero");
                None
            }
            Err(error) => {
                self.fault(column, FaultCode::AmountTooLarge, &format!("cannot be kept: {error}"));
                None
            }
        }
    }

    /// The currency of the column, else of the sign beside the amount, else the default.
    fn settle_currency(&mut self, column: Option<Option<Currency>>, sign: Option<Sign>) -> Option<Currency> {
        match (column?, sign) {
            (Some(currency), Some(sign)) if !sign.fits(currency) => {
                let problem =
                    format!("is written with the sign of another currency than {currency}; correct one of the two");
                self.fault(Column::Premium, FaultCode::CurrencyMismatch, &problem);
                None
            }
            (Some(currency), _) => Some(currency),
            (None, Some(sign)) if sign.fits(self.rules.default_currency) => Some(self.rules.default_currency),
            (None, Some(sign)) => Some(sign.meant()),
            (None, None) => Some(self.rules.default_currency),
        }
    }

    fn read_date(&mut self, column: Column) -> Option<NaiveDate> {
        let date = self.read_date_in(column, Century::Pivot)?;
        if is_plausible(date) {
            return Some(date);
        }
        self.fault(column, FaultCode::DateOutOfRange, &format!("is {date}, which cannot be right; check the year"));
        None
    }

    pub(super) fn read_date_in(&mut self, column: Column, century: Century) -> Option<NaiveDate> {
        let cell = self.cell(column, is_blank)?;
        match parse_date(cell, self.rules.date_order, self.rules.date_system, century) {
            Ok(date) => Some(date),
            Err(error) => {
                let code = match error {
                    DateError::Unreadable | DateError::NoSuchDay | DateError::Serial => FaultCode::BadDate,
                    DateError::MonthFirst { .. } | DateError::DayFirst { .. } => FaultCode::BadDateOrder,
                };
                self.fault(column, code, &error.to_string());
                None
            }
        }
    }

    fn check_term(&mut self, start: Option<NaiveDate>, end: Option<NaiveDate>, renewal: Option<NaiveDate>) {
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            let problem = format!("must be after the start date {start}; correct one of the two");
            self.fault(Column::EndDate, FaultCode::EndBeforeStart, &problem);
        }
        if let (Some(start), Some(renewal)) = (start, renewal)
            && renewal < start
        {
            let problem = format!("must not be before the start date {start}; correct one of the two");
            self.fault(Column::RenewalDate, FaultCode::RenewalBeforeStart, &problem);
        }
    }

    fn read_grace(&mut self) -> Option<i32> {
        let column = Column::GracePeriodDays;
        let cell = self.cell(column, is_blank)?;
        let Some(days) = whole_number(cell) else {
            self.fault(column, FaultCode::BadNumber, "is not a whole number of days; write digits such as 30");
            return None;
        };
        if (0..=LONGEST_GRACE_DAYS).contains(&days) {
            return Some(days);
        }
        self.fault(column, FaultCode::NumberOutOfRange, &format!("must be between 0 and {LONGEST_GRACE_DAYS} days"));
        None
    }
}

/// A whole number, with or without the word "days".
fn whole_number(cell: &Cell) -> Option<i32> {
    const LIMIT: f64 = 1e9;
    match cell {
        #[expect(clippy::cast_possible_truncation, reason = "under LIMIT")]
        Cell::Number(number) if number.fract() == 0.0 && number.abs() < LIMIT => Some(*number as i32),
        Cell::Text(text) => {
            let lower = text.trim().to_ascii_lowercase();
            let digits = lower.strip_suffix("days").or_else(|| lower.strip_suffix("day")).unwrap_or(&lower);
            let digits = digits.trim().trim_end_matches(".0");
            digits.parse().ok().filter(|_| digits.len() < 10)
        }
        _ => None,
    }
}
