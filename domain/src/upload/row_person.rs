//! The part of a row that describes the customer: name, contacts, date of birth, address.
//!
//! As in [`super::row_reader`], `None` is a blank or a faulty cell, and the fault is in the reader's list.

use super::address::Address;
use super::columns::Column;
use super::contacts::{parse_email, parse_phone};
use super::date::{Century, is_plausible};
use super::fault::{FaultCode, RowFault};
use super::name::split_name;
use super::row_reader::RowReader;
use super::text::{clean_line, is_blank, is_blank_name};
use crate::contact::{Email, Phone};
use chrono::{Datelike, NaiveDate};

/// The longest address the email column takes.
const LONGEST_EMAIL: usize = 255;

impl RowReader<'_> {
    /// First and last name; a full name fills what the others leave blank.
    pub(super) fn read_name(&mut self) -> Option<(String, String)> {
        let before = self.faults.len();
        let first = self.read_text(Column::FirstName, is_blank_name, clean_line);
        let last = self.read_text(Column::LastName, is_blank_name, clean_line);
        let full = self.read_text(Column::FullName, is_blank_name, clean_line);
        if self.faults.len() > before {
            return None;
        }
        let (first, last) = match (first, last, full) {
            (Some(first), Some(last), _) => (first, last),
            (Some(first), None, None) => (first, String::new()),
            (Some(_) | None, None, Some(full)) | (None, Some(_), Some(full)) => split_name(&full),
            (None, Some(only), None) => (only, String::new()),
            (None, None, None) => {
                self.fault(self.name_column(), FaultCode::MissingRequired, "is missing; fill in the cell");
                return None;
            }
        };
        let limit = Column::FirstName.max_length().unwrap_or(RowFault::VALUE_LIMIT);
        if first.chars().count() > limit || last.chars().count() > limit {
            let problem = format!("has a part of more than {limit} characters; shorten it");
            self.fault(self.name_column(), FaultCode::TooLong, &problem);
            return None;
        }
        Some((first, last))
    }

    fn name_column(&self) -> Column {
        if self.layout.place(Column::FullName).is_some() { Column::FullName } else { Column::FirstName }
    }

    pub(super) fn read_email(&mut self, column: Column) -> Option<Email> {
        let cell = self.cell(column, is_blank)?;
        match parse_email(cell) {
            Ok(email) if email.as_str().len() <= LONGEST_EMAIL => Some(email),
            Ok(_) => {
                self.fault(column, FaultCode::TooLong, &format!("has more than {LONGEST_EMAIL} characters"));
                None
            }
            Err(error) => {
                self.fault(column, FaultCode::BadEmail, &error.to_string());
                None
            }
        }
    }

    pub(super) fn read_phone(&mut self) -> Option<Phone> {
        let cell = self.cell(Column::Phone, is_blank)?;
        match parse_phone(cell, &self.rules.default_country) {
            Ok(phone) => Some(phone),
            Err(error) => {
                self.fault(Column::Phone, FaultCode::BadPhone, &error.to_string());
                None
            }
        }
    }

    pub(super) fn read_address(&mut self) -> Option<Address> {
        let line = self.read_line(Column::AddressLine);
        let city = self.read_line(Column::City);
        let state = self.read_line(Column::State);
        let postal_code = self.read_line(Column::PostalCode);
        let country = self.read_line(Column::Country);
        Address { line, city, state, postal_code, country }.some()
    }

    pub(super) fn read_birth(&mut self) -> Option<NaiveDate> {
        let column = Column::DateOfBirth;
        let date = self.read_date_in(column, Century::NotAfter(self.rules.today.year()))?;
        if is_plausible(date) && date <= self.rules.today {
            return Some(date);
        }
        self.fault(column, FaultCode::DateOutOfRange, &format!("is {date}, which cannot be right; check the year"));
        None
    }
}
