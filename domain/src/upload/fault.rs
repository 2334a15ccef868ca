//! What is wrong with a row: where, with what value, why, and how to put it right.
//!
//! Codes are stable: they are stored, counted and shown. Messages are for the uploader and may be reworded.

use super::columns::Column;
use super::mapping::Layout;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// A required cell is blank.
    MissingRequired,
    /// No date, or a day that does not exist.
    BadDate,
    /// A date that can only be read in the order the file is not read in.
    BadDateOrder,
    /// A date centuries away, or a date of birth that has not come.
    DateOutOfRange,
    /// The policy ends before it starts, or on the same day.
    EndBeforeStart,
    /// Renewal is due before the policy starts.
    RenewalBeforeStart,
    /// No amount.
    BadAmount,
    /// An amount that can be read in two ways.
    AmbiguousAmount,
    /// An amount with more than two decimals.
    TooManyDecimals,
    /// An amount no column can hold.
    AmountTooLarge,
    /// A premium of zero or less.
    NonPositivePremium,
    /// Neither a currency code nor a sign.
    UnknownCurrency,
    /// The amount is written with the sign of another currency.
    CurrencyMismatch,
    BadPhone,
    BadEmail,
    UnknownPolicyType,
    /// Not a whole number.
    BadNumber,
    /// A whole number outside its limits.
    NumberOutOfRange,
    /// A long number kept as a number: its last digits are lost.
    NumberLostDigits,
    /// A text that the spreadsheet turned into a date.
    TurnedIntoDate,
    /// Longer than can be kept.
    TooLong,
    /// NUL in a text.
    ForbiddenCharacter,
    /// Text read in a wrong encoding.
    UnreadableText,
    /// The cell shows `#REF!` or the like, or a formula without a stored result.
    CellError,
    /// An earlier row has the same policy number.
    DuplicateInFile,
    /// The policy is known with a later term.
    OlderTerm,
    /// No such branch.
    UnknownBranch,
    /// No such user.
    UnknownAgent,
    /// What the row is about, or where it would put it, is beyond the uploader's reach.
    BelongsElsewhere,
}

impl FaultCode {
    /// Every code.
    pub const ALL: [Self; 29] = [
        Self::MissingRequired,
        Self::BadDate,
        Self::BadDateOrder,
        Self::DateOutOfRange,
        Self::EndBeforeStart,
        Self::RenewalBeforeStart,
        Self::BadAmount,
        Self::AmbiguousAmount,
        Self::TooManyDecimals,
        Self::AmountTooLarge,
        Self::NonPositivePremium,
        Self::UnknownCurrency,
        Self::CurrencyMismatch,
        Self::BadPhone,
        Self::BadEmail,
        Self::UnknownPolicyType,
        Self::BadNumber,
        Self::NumberOutOfRange,
        Self::NumberLostDigits,
        Self::TurnedIntoDate,
        Self::TooLong,
        Self::ForbiddenCharacter,
        Self::UnreadableText,
        Self::CellError,
        Self::DuplicateInFile,
        Self::OlderTerm,
        Self::UnknownBranch,
        Self::UnknownAgent,
        Self::BelongsElsewhere,
    ];

    /// The name in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingRequired => "missing_required",
            Self::BadDate => "bad_date",
            Self::BadDateOrder => "bad_date_order",
            Self::DateOutOfRange => "date_out_of_range",
            Self::EndBeforeStart => "end_before_start",
            Self::RenewalBeforeStart => "renewal_before_start",
            Self::BadAmount => "bad_amount",
            Self::AmbiguousAmount => "ambiguous_amount",
            Self::TooManyDecimals => "too_many_decimals",
            Self::AmountTooLarge => "amount_too_large",
            Self::NonPositivePremium => "non_positive_premium",
            Self::UnknownCurrency => "unknown_currency",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::BadPhone => "bad_phone",
            Self::BadEmail => "bad_email",
            Self::UnknownPolicyType => "unknown_policy_type",
            Self::BadNumber => "bad_number",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::NumberLostDigits => "number_lost_digits",
            Self::TurnedIntoDate => "turned_into_date",
            Self::TooLong => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::UnreadableText => "unreadable_text",
            Self::CellError => "cell_error",
            Self::DuplicateInFile => "duplicate_in_file",
            Self::OlderTerm => "older_term",
            Self::UnknownBranch => "unknown_branch",
            Self::UnknownAgent => "unknown_agent",
            Self::BelongsElsewhere => "belongs_elsewhere",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowFault {
    /// As the sheet shows it: the first row is 1.
    pub row: u32,
    /// The column at fault.
    pub column: Option<Column>,
    /// Its header as the sheet writes it.
    pub header: Option<String>,
    /// What the cell holds, at most [`RowFault::VALUE_LIMIT`] characters, without control characters.
    pub value: Option<String>,
    pub code: FaultCode,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl RowFault {
    /// The longest value that is kept, in characters.
    pub const VALUE_LIMIT: usize = 200;

    /// A fault of one cell. `problem` follows the column's name in the message.
    pub fn of_cell(row: u32, column: Column, layout: &Layout, value: &str, code: FaultCode, problem: &str) -> Self {
        Self {
            row,
            column: Some(column),
            header: layout.header(column).map(|header| bounded(header.trim(), Self::VALUE_LIMIT)),
            value: (!value.is_empty()).then(|| bounded(value, Self::VALUE_LIMIT)),
            code,
            message: format!("{column} {problem}"),
        }
    }

    /// An earlier row of the file has the same policy number.
    pub fn duplicate_in_file(row: u32, layout: &Layout, policy_number: &str, first_row: u32) -> Self {
        let problem = format!("stands in row {first_row} already; keep one of the two rows");
        Self::of_cell(row, Column::PolicyNumber, layout, policy_number, FaultCode::DuplicateInFile, &problem)
    }

    /// The policy is known with a term that ends later than this row's.
    pub fn older_term(row: u32, layout: &Layout, end_date: NaiveDate, known_end_date: NaiveDate) -> Self {
        let problem = format!("is older than the known term, which ends {known_end_date}; upload the current term");
        Self::of_cell(row, Column::EndDate, layout, &end_date.to_string(), FaultCode::OlderTerm, &problem)
    }

    /// No branch has this code or name.
    pub fn unknown_branch(row: u32, layout: &Layout, branch: &str) -> Self {
        let problem = "is no known branch; write the branch's code or name, or add the branch first";
        Self::of_cell(row, Column::Branch, layout, branch, FaultCode::UnknownBranch, problem)
    }

    /// The policy, its customer, or the branch or agent that the row names, is not the uploader's to change.
    pub fn elsewhere(row: u32, layout: &Layout, column: Column, value: &str) -> Self {
        let problem = match column {
            Column::Agent => "belongs to somebody else; upload your own policies only",
            _ => "belongs to another branch; have it uploaded there, or by somebody who looks after all branches",
        };
        Self::of_cell(row, column, layout, value, FaultCode::BelongsElsewhere, problem)
    }

    /// No user has this address.
    pub fn unknown_agent(row: u32, layout: &Layout, agent: &str) -> Self {
        let problem = "is no known user's address; write the address the agent signs in with";
        Self::of_cell(row, Column::Agent, layout, agent, FaultCode::UnknownAgent, problem)
    }
}

/// At most `limit` characters, control characters as spaces.
fn bounded(text: &str, limit: usize) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    match text.char_indices().nth(limit) {
        None => text.chars().map(shown).collect(),
        Some(_) => text.chars().take(limit - 1).map(shown).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_serde_writes() {
        for code in FaultCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn values_are_short_and_printable() {
        assert_eq!(bounded("a\0b", 200), "a b");
        assert_eq!(bounded(&"é".repeat(300), 200).chars().count(), 200);
    }
}
