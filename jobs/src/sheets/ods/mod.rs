//! OpenDocument spreadsheets (.ods, ODF 1.3 part 3), streamed row by row in constant memory.
//!
//! Expects that [`super::package`] has passed the file. Repeated rows and columns are bounded like written ones. Fails
//! on damaged contents and on what is over a limit.

mod cell;
mod content;

use self::cell::{CellText, OdsCell};
use self::content::{Content, Step};
use super::error::{SheetError, one_line};
use super::limits::Limits;
use super::package::Package;
use super::rows::{RowAssembler, RowVisitor};
use super::source::{SheetInfo, Source};
use domain::upload::DateSystem;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use zip::ZipArchive;

pub(super) struct OdsSource {
    zip: ZipArchive<BufReader<File>>,
    sheets: Vec<SheetInfo>,
    rows: u64,
}

pub(super) fn open(file: File, package: Package, limits: &Limits) -> Result<OdsSource, SheetError> {
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(&error))?;
    let sheets = content::sheets(&mut Content::open(&mut zip)?, limits)?;
    Ok(OdsSource { zip, sheets, rows: package.most_rows })
}

/// The reader's own words as a damaged file.
fn damaged(error: &dyn std::error::Error) -> SheetError {
    SheetError::Damaged(one_line(&error.to_string()))
}

impl Source for OdsSource {
    fn sheets(&self) -> &[SheetInfo] {
        &self.sheets
    }

    /// Dates are written out, so no serial numbers are counted from anywhere.
    fn date_system(&self) -> DateSystem {
        DateSystem::From1900
    }

    fn row_estimate(&self) -> u64 {
        self.rows
    }

    fn for_each_row(
        &mut self,
        sheet: usize,
        after: u32,
        limits: &Limits,
        visit: &mut RowVisitor<'_>,
    ) -> Result<(), SheetError> {
        let mut content = Content::open(&mut self.zip)?;
        content.seek_table(sheet)?;
        let mut assembler = RowAssembler::new(limits, after, visit);
        let mut row = RowBuffer::default();
        let mut number = 0u32;
        loop {
            match content.step(limits)? {
                Step::Row { repeated } => row.start(repeated),
                Step::Cell { cell, repeated } => row.put(cell, repeated, number, limits)?,
                Step::RowEnd => {
                    if row.emit(number, &mut assembler)?.is_break() {
                        return Ok(());
                    }
                    number = number.saturating_add(row.repeated);
                }
                Step::Skipped => {}
                Step::TableEnd => break,
            }
        }
        assembler.finish();
        Ok(())
    }
}

/// The cells of the row at hand, which may stand for several rows.
#[derive(Default)]
struct RowBuffer {
    cells: Vec<(u32, OdsCell)>,
    column: u32,
    repeated: u32,
}

impl RowBuffer {
    fn start(&mut self, repeated: u32) {
        self.cells.clear();
        self.column = 0;
        self.repeated = repeated;
    }

    /// Takes a cell `repeated` times; blank ones only move on.
    fn put(&mut self, cell: OdsCell, repeated: u32, row: u32, limits: &Limits) -> Result<(), SheetError> {
        let first = self.column;
        self.column = self.column.saturating_add(repeated);
        if matches!(cell, OdsCell::Blank) {
            return Ok(());
        }
        let limit = limits.columns;
        if usize::try_from(self.column).map_or(true, |end| end > limit) {
            return Err(SheetError::TooManyColumns { row: row.saturating_add(1), limit });
        }
        self.cells.extend((first..self.column).map(|column| (column, cell.clone())));
        Ok(())
    }

    fn emit(&self, number: u32, assembler: &mut RowAssembler<'_, '_>) -> Result<ControlFlow<()>, SheetError> {
        if self.cells.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        for number in number..number.saturating_add(self.repeated) {
            for (column, cell) in &self.cells {
                let Some(cell) = cell.as_ref() else { continue };
                if assembler.put(number, *column, cell)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Keeps a text within what a cell may hold while it is put together.
fn check_text(text: &CellText, limits: &Limits) -> Result<(), SheetError> {
    const LONGEST_CHARACTER: usize = 4;
    if text.len() > limits.cell_characters * LONGEST_CHARACTER {
        return Err(SheetError::Damaged("a cell's text is too long".to_owned()));
    }
    Ok(())
}
