//! A workbook of texts under headings, written row by row in constant memory.
//!
//! Texts are always written as texts, so a cell that begins with `=` never becomes a formula, in no program: the cells
//! are marked as texts as well. Blocks; fails when the file cannot be written.

use rust_xlsxwriter::{Color, Format, Workbook, XlsxError};
use std::path::Path;

/// Rows a sheet can hold below its header.
const ROWS_A_SHEET: u32 = 1_048_575;
/// Characters a cell can hold; the rest is left out.
const LONGEST: usize = 32_000;

/// A workbook being written.
pub struct PlainBook {
    workbook: Workbook,
    name: &'static str,
    headings: &'static [(&'static str, f64)],
    header: Format,
    text: Format,
    sheets: usize,
    used: u32,
    rows: u64,
}

impl PlainBook {
    /// With these headings and widths of columns. Temporary files lie beside the target.
    pub fn new(name: &'static str, headings: &'static [(&'static str, f64)], target: &Path) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            workbook.set_tempdir(folder)?;
        }
        let header = Format::new().set_bold().set_background_color(Color::RGB(0xDD_E6_F0));
        let text = Format::new().set_num_format("@").set_quote_prefix();
        let mut book = Self { workbook, name, headings, header, text, sheets: 0, used: 0, rows: 0 };
        book.start_sheet()?;
        Ok(book)
    }

    fn start_sheet(&mut self) -> Result<(), XlsxError> {
        self.sheets += 1;
        self.used = 1;
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(if self.sheets == 1 {
            self.name.to_owned()
        } else {
            format!("{} {}", self.name, self.sheets)
        })?;
        sheet.set_freeze_panes(1, 0)?;
        for (place, (heading, width)) in (0u16..).zip(self.headings) {
            sheet.set_column_width(place, *width)?;
            sheet.write_string_with_format(0, place, *heading, &self.header)?;
        }
        Ok(())
    }

    /// Adds a row; cells that are empty stay so.
    pub fn row(&mut self, cells: &[String]) -> Result<(), XlsxError> {
        if self.used > ROWS_A_SHEET {
            self.start_sheet()?;
        }
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (place, cell) in (0u16..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let end = cell.floor_char_boundary(LONGEST);
            sheet.write_string_with_format(self.used, place, &cell[..end], &self.text)?;
        }
        self.used += 1;
        self.rows += 1;
        Ok(())
    }

    /// Writes the file; answers how many rows it has.
    pub fn save(mut self, target: &Path) -> Result<u64, XlsxError> {
        self.workbook.save(target)?;
        Ok(self.rows)
    }
}
