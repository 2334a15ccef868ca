//! Where in an uploaded file the policies are, and how many. Blocks; fails as reading a sheet does.

use super::error::{Refusal, UploadError};
use super::options::UploadOptions;
use crate::sheets::{self, Book, Limits, SheetError, Table};
use domain::upload::is_blank_row;
use std::ops::ControlFlow;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Opens the file and finds its table as the options ask.
pub(super) fn open(path: &Path, options: &UploadOptions) -> Result<(Book, Table), SheetError> {
    let mut book = sheets::open(path, &Limits::default())?;
    let (sheet, mapping) = (options.sheet.as_deref(), options.mapping.as_ref());
    let table = match options.header_row {
        Some(row) => book.table_at(sheet, row, mapping)?,
        None => book.find_table(sheet, mapping)?,
    };
    Ok((book, table))
}

/// Counts the records by reading the file to its end, so that a file that breaks in the middle is refused before any of
/// it is in the book, and progress is exact. Stops early when told to.
pub(super) fn count(book: &mut Book, table: &Table, stop: &CancellationToken) -> Result<i32, UploadError> {
    let mut records = 0_i32;
    book.for_each_row(&table.sheet, table.header_row, |_, cells| {
        if !is_blank_row(&table.layout, cells) {
            records = records.saturating_add(1);
        }
        if stop.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if stop.is_cancelled() {
        return Err(UploadError::BrokenOff);
    }
    if records == 0 {
        let message = format!(
            "sheet \"{}\" has a header in row {} and no policies below it",
            table.sheet.escape_debug(),
            table.header_row
        );
        return Err(Refusal::new("no_rows", message).into());
    }
    Ok(records)
}
