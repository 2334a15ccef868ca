//! The rules of an uploaded book of policies: which column holds what, what a cell may say, which rows are good.
//!
//! Nothing here reads a file: a reader hands over rows of [`Cell`]s, and gets back typed rows or every fault of the
//! row, each with a code and a message the uploader can act on. A sheet without the required headers is refused as a
//! whole by [`HeaderError`]; the caller shows both to the uploader.

mod address;
mod alias_table;
mod aliases;
mod amount;
mod cell;
mod columns;
mod contacts;
mod currency;
mod customer_code;
mod date;
mod fault;
mod file_name;
pub mod kind;
mod mapping;
mod name;
mod policy_type;
#[cfg(test)]
mod round_trips;
mod row;
mod row_person;
mod row_reader;
#[cfg(test)]
mod row_tests;
mod status;
mod text;
mod words;

pub use address::Address;
pub use amount::{Amount, AmountError, parse_amount};
pub use cell::Cell;
pub use columns::Column;
pub use contacts::{EmailCellError, PhoneCellError, parse_email, parse_phone};
pub use currency::{Currency, CurrencyError, Sign};
pub use customer_code::customer_code;
pub use date::{Century, DateError, DateOrder, DateSystem, parse_date};
pub use fault::{FaultCode, RowFault};
pub use file_name::{given_file_name, shown_file_name};
pub use mapping::{HEADER_SEARCH_ROWS, HeaderError, Layout, Mapping, find_header_row, recognised_columns};
pub use name::split_name;
pub use policy_type::{PolicyType, UnknownPolicyType};
pub use row::{EXAMPLE_POLICY_NUMBER, PolicyRow, RowOutcome, RowRules, check_row, is_blank_row};
pub use status::UploadStatus;
pub use text::{TextError, clean_line, clean_notes, is_blank, is_blank_name};
