//! Writes the book as a workbook: a title above the headings, blank rows, a total below.

use super::book::HEADINGS;
use anyhow::Context;
use chrono::NaiveDate;
use domain::upload::Cell;
use rust_xlsxwriter::{Format, Workbook, Worksheet};
use std::path::Path;

/// The row of the headings, from 0: below a title, a note and a blank row.
const HEADING_ROW: u32 = 3;
const WIDTHS: [f64; 12] = [7.0, 20.0, 16.0, 24.0, 18.0, 34.0, 20.0, 16.0, 15.0, 15.0, 12.0, 20.0];

/// Writes the rows to `path`, replacing what is there.
pub fn write(path: &Path, today: NaiveDate, rows: impl Iterator<Item = [Cell; 12]>) -> anyhow::Result<()> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    workbook.add_worksheet().set_name("Notes")?.write_string(0, 0, "Please do not circulate.")?;
    let sheet = workbook.add_worksheet().set_name("Renewals due")?;
    sheet.write_string_with_format(0, 1, "Sample General Insurance - policies due for renewal", &bold)?;
    sheet.write_string(1, 1, format!("Prepared on {}", today.format("%d %B %Y")))?;
    for ((column, heading), width) in (0..).zip(HEADINGS).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(HEADING_ROW, column, heading, &bold)?;
    }
    let day = Format::new().set_num_format("dd-mmm-yyyy");
    let mut next = HEADING_ROW + 1;
    for row in rows {
        for (column, cell) in (0..).zip(&row) {
            write_cell(sheet, next, column, cell, &day)?;
        }
        next += 1;
    }
    sheet.write_string_with_format(next + 1, 0, "Total", &bold)?;
    sheet.write_number_with_format(next + 1, 2, f64::from(next - HEADING_ROW - 1), &bold)?;
    workbook.save(path).with_context(|| format!("writing {}", path.display()))
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, day: &Format) -> anyhow::Result<()> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) | Cell::Error(text) => {
            sheet.write_string(row, column, text)?;
        }
        Cell::Number(number) => {
            sheet.write_number(row, column, *number)?;
        }
        Cell::Bool(value) => {
            sheet.write_boolean(row, column, *value)?;
        }
        Cell::DateTime(at) => {
            sheet.write_datetime_with_format(row, column, at, day)?;
        }
    }
    Ok(())
}
