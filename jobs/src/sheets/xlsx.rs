//! Excel workbooks (.xlsx, ECMA-376), streamed cell by cell; the shared strings alone are held in memory.
//!
//! Expects that [`super::package`] has passed the file. Fails on damaged contents.

use super::calamine_cells::{guarded, put};
use super::error::SheetError;
use super::limits::Limits;
use super::package::Package;
use super::rows::{RowAssembler, RowVisitor};
use super::source::{SheetInfo, Source};
use calamine::{Reader, SheetType, SheetVisible, Xlsx};
use domain::upload::DateSystem;
use std::fs::File;
use std::io::BufReader;

pub(super) struct XlsxSource {
    workbook: Xlsx<BufReader<File>>,
    sheets: Vec<SheetInfo>,
    rows: u64,
}

pub(super) fn open(file: File, package: Package) -> Result<XlsxSource, SheetError> {
    let workbook = guarded(|| Xlsx::new(BufReader::new(file)))?;
    let sheets = worksheets(workbook.sheets_metadata());
    Ok(XlsxSource { workbook, sheets, rows: package.most_rows })
}

/// Worksheets alone: no chart or dialog sheets.
pub(super) fn worksheets(sheets: &[calamine::Sheet]) -> Vec<SheetInfo> {
    let is_worksheet = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet;
    let info = |sheet: &calamine::Sheet| SheetInfo {
        name: sheet.name.clone(),
        visible: sheet.visible == SheetVisible::Visible,
    };
    sheets.iter().filter(is_worksheet).map(info).collect()
}

impl Source for XlsxSource {
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
        while let Some(cell) = guarded(|| cells.next_cell_with_formula_metadata())? {
            if put(&mut assembler, cell.pos, &cell.value, cell.formula.is_some(), system)?.is_break() {
                return Ok(());
            }
        }
        assembler.finish();
        Ok(())
    }
}
