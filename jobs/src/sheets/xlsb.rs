//! Excel binary workbooks (.xlsb, MS-XLSB), streamed cell by cell; the shared strings alone are held in memory.
//!
//! Expects that [`super::package`] has passed the file. Fails on damaged contents.

use super::calamine_cells::{guarded, put};
use super::error::SheetError;
use super::limits::Limits;
use super::package::Package;
use super::rows::{RowAssembler, RowVisitor};
use super::source::{SheetInfo, Source};
use super::xlsx::worksheets;
use calamine::{Reader, Xlsb};
use domain::upload::DateSystem;
use std::fs::File;
use std::io::BufReader;

pub(super) struct XlsbSource {
    workbook: Xlsb<BufReader<File>>,
    sheets: Vec<SheetInfo>,
    rows: u64,
}

pub(super) fn open(file: File, package: Package) -> Result<XlsbSource, SheetError> {
    let workbook = guarded(|| Xlsb::new(BufReader::new(file)))?;
    let sheets = worksheets(workbook.sheets_metadata());
    Ok(XlsbSource { workbook, sheets, rows: package.most_rows })
}

impl Source for XlsbSource {
    fn sheets(&self) -> &[SheetInfo] {
        &self.sheets
    }

    fn date_system(&self) -> DateSystem {
        if self.workbook.has_1904_epoch() { DateSystem::From1904 } else { DateSystem::From1900 }
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
        let system = self.date_system();
        let Some(SheetInfo { name, .. }) = self.sheets.get(sheet) else { return Ok(()) };
        let workbook = &mut self.workbook;
        let mut cells = guarded(|| workbook.worksheet_cells_reader(name))?;
        let mut assembler = RowAssembler::new(limits, after, visit);
        while let Some(cell) = guarded(|| cells.next_cell())? {
            if put(&mut assembler, cell.get_position(), cell.get_value(), false, system)?.is_break() {
                return Ok(());
            }
        }
        assembler.finish();
        Ok(())
    }
}
