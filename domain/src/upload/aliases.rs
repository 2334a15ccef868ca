//! How people head the columns of a book of policies.
//!
//! Headers are compared as words run together, so "Policy No." and "policy_no" are one alias. Of two headers of one
//! column the one with the lower rank wins ("Mobile No" before "Phone"); two of equal rank are ambiguous, and the
//! mapping refuses them.

use super::alias_table::ALIASES;
use super::columns::Column;
use super::words::{without_brackets, words};

/// Units that may follow a header and say nothing about the column.
const UNITS: [&str; 16] = [
    "inr", "rs", "rupees", "usd", "eur", "gbp", "aed", "sgd", "dd", "mm", "yy", "yyyy", "mmm", "ddmmyyyy", "yyyymmdd",
    "mmddyyyy",
];

/// The column a header names, and with what rank; `None` for a header that is no column of ours.
pub(super) fn recognise(header: &str) -> Option<(Column, u8)> {
    look_up(&words(header)).or_else(|| look_up(&words(&without_brackets(header))))
}

fn look_up(words: &[String]) -> Option<(Column, u8)> {
    let mut end = words.len();
    loop {
        let name = words[..end].concat();
        if let Some((_, column, rank)) = ALIASES.iter().find(|(alias, _, _)| *alias == name) {
            return Some((*column, *rank));
        }
        end = end.checked_sub(1)?;
        if !UNITS.contains(&words[end].as_str()) {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn headers_as_people_write_them() {
        for (header, column) in [
            ("Policy No.", Column::PolicyNumber),
            ("policyNumber", Column::PolicyNumber),
            ("POLICY_NUMBER", Column::PolicyNumber),
            ("Policy #", Column::PolicyNumber),
            ("Premium (₹)", Column::Premium),
            ("Premium Amount INR", Column::Premium),
            ("Premium Amt. (Rs.)", Column::Premium),
            ("Total Premium [incl. GST]", Column::Premium),
            ("Mobile No", Column::Phone),
            ("Contact Number", Column::Phone),
            ("E-mail ID", Column::Email),
            ("DOB", Column::DateOfBirth),
            ("D.O.B.", Column::DateOfBirth),
            ("Date of Birth (DD/MM/YYYY)", Column::DateOfBirth),
            ("Insured Name", Column::FullName),
            ("Name of the Insured", Column::FullName),
            ("Risk Start Date", Column::StartDate),
            ("Start Date DD-MM-YYYY", Column::StartDate),
            ("Expiry Date", Column::EndDate),
            ("Policy End Date *", Column::EndDate),
            ("PIN Code", Column::PostalCode),
            ("Line of Business", Column::PolicyType),
            ("Agent E-Mail", Column::Agent),
        ] {
            assert_eq!(recognise(header).map(|(column, _)| column), Some(column), "{header}");
        }
    }

    #[test]
    fn other_columns_are_left_alone() {
        for header in
            ["Sum Insured", "Sum Assured (INR)", "Vehicle No", "Agent Name", "Status", "", "₹", "INR", "Sr. No."]
        {
            assert_eq!(recognise(header), None, "{header}");
        }
    }

    #[test]
    fn no_alias_stands_twice_and_each_is_in_compared_form() {
        let mut seen = HashSet::new();
        for (alias, _, _) in ALIASES {
            assert!(seen.insert(alias), "{alias}");
            assert_eq!(words(alias).concat(), *alias);
        }
    }

    #[test]
    fn every_column_is_known_by_its_template_title() {
        for column in Column::ALL {
            assert_eq!(recognise(column.title()).map(|found| found.0), Some(column));
        }
    }
}
