//! Reads what people upload as a book of policies: .xlsx, .xlsb, .xls, .ods and CSV.
//!
//! [`open`] tells the format by the contents and refuses hostile files; [`Book::find_table`] finds sheet, header and
//! columns; [`Book::for_each_row`] streams the rows. [`error_report`] writes the refused rows back for the uploader, and
//! [`template`] is the workbook to fill in. All of it blocks: call it in `spawn_blocking`. Every failure is a
//! [`SheetError`], one line for the uploader; the job that reads ends with it, and only [`SheetError::Io`] is worth
//! another attempt.

mod book;
mod calamine_cells;
mod csv;
mod error;
pub mod error_report;
mod limits;
mod ods;
mod package;
pub mod plain;
mod record_guard;
mod rows;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod xls;
mod xlsb;
mod xlsx;
mod xml_guard;

pub use book::{Book, BookKind, Table, open};
pub use error::SheetError;
pub use limits::Limits;
pub use source::SheetInfo;
pub use template::{TEMPLATE_FILE_NAME, template};
