//! The workbook an uploader gets back: the rows that were refused, in the uploader's own layout, with the faulty cells
//! marked and a last column that says what is wrong and how to put it right.
//!
//! Rows are streamed from the original file to the report in constant memory. Texts are always written as texts, so a
//! cell that begins with `=` never becomes a formula. Blocks; fails as reading the original fails, and when the report
//! cannot be written.

use super::book::{Table, open};
use super::error::SheetError;
use super::limits::Limits;
use chrono::NaiveTime;
use domain::upload::{Cell, Column, Layout};
use rust_xlsxwriter::{Color, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::path::Path;

/// The header of the column behind the uploader's own.
pub const WHAT_IS_WRONG: &str = "What is wrong";
/// The header of the last column.
pub const ROW_IN_FILE: &str = "Row in your file";

/// Rows a sheet can hold below its header.
const ROWS_A_SHEET: u32 = 1_048_575;
/// Notes are kept in memory until the report is saved, so only the first faults have one.
const MOST_NOTES: u32 = 1_000;
/// Messages of one row beyond this are left out; a cell holds 32,767 characters.
const MESSAGE_LIMIT: usize = 8_000;

/// One fault as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFault {
    /// As the sheet shows it.
    pub row: u32,
    /// The header of the cell at fault as the sheet writes it, or the column's wire name.
    pub column: Option<String>,
    /// What is wrong and how to put it right.
    pub message: String,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The original cannot be read again.
    #[error("the uploaded file cannot be read for its error report")]
    Source(#[from] SheetError),
    /// The report cannot be written.
    #[error("the error report cannot be written")]
    Write(#[from] XlsxError),
}

/// Writes the report of `source` to `target`; answers how many rows it has.
///
/// `faults` come in the order of their rows. Temporary files lie beside the target.
pub fn write_error_report(
    source: &Path,
    limits: &Limits,
    table: &Table,
    faults: impl Iterator<Item = ReportFault>,
    target: &Path,
) -> Result<u64, ReportError> {
    let mut faults = faults.peekable();
    let mut book = open(source, limits)?;
    let mut report = Report::new(&table.layout, target)?;
    let mut failed = None;
    let start = faults.peek().map_or(u32::MAX, |first| first.row.saturating_sub(1)).max(table.header_row);
    book.for_each_row(&table.sheet, start, |row, cells| {
        let here = faults_of(&mut faults, row);
        if !here.is_empty()
            && let Err(error) = report.row(row, cells, &here)
        {
            failed = Some(error);
        }
        if failed.is_some() || faults.peek().is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(report.save(target)?),
    }
}

/// The faults of this row; those of rows before it, which the file does not have, are dropped.
fn faults_of(faults: &mut Peekable<impl Iterator<Item = ReportFault>>, row: u32) -> Vec<ReportFault> {
    let mut here = Vec::new();
    while let Some(fault) = faults.next_if(|fault| fault.row <= row) {
        if fault.row == row {
            here.push(fault);
        }
    }
    here
}

/// The look of the report's cells.
struct Formats {
    header: Format,
    text: Format,
    typed: Format,
    date: Format,
    moment: Format,
    message: Format,
}

impl Formats {
    fn new() -> Self {
        Self {
            header: Format::new().set_bold().set_background_color(Color::RGB(0xDD_E6_F0)),
            text: Format::new().set_num_format("@").set_quote_prefix(),
            typed: Format::new(),
            date: Format::new().set_num_format("dd/mm/yyyy"),
            moment: Format::new().set_num_format("dd/mm/yyyy hh:mm:ss"),
            message: Format::new().set_text_wrap().set_align(FormatAlign::Top).set_font_color(Color::RGB(0x9C_00_06)),
        }
    }
}

struct Report<'t> {
    workbook: Workbook,
    layout: &'t Layout,
    plain: Formats,
    faulty: Formats,
    sheets: usize,
    /// Rows of the sheet at hand, its header included.
    used: u32,
    rows: u64,
    notes: u32,
}

impl<'t> Report<'t> {
    fn new(layout: &'t Layout, target: &Path) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            workbook.set_tempdir(folder)?;
        }
        let plain = Formats::new();
        let mark = |format: Format| format.set_background_color(Color::RGB(0xFF_C7_CE));
        let of = Formats::new();
        let faulty = Formats {
            header: mark(of.header),
            text: mark(of.text),
            typed: mark(of.typed),
            date: mark(of.date),
            moment: mark(of.moment),
            message: mark(of.message),
        };
        let mut report = Self { workbook, layout, plain, faulty, sheets: 0, used: 0, rows: 0, notes: 0 };
        report.start_sheet()?;
        Ok(report)
    }

    /// The place of the message: behind the uploader's columns.
    fn message_place(&self) -> u16 {
        u16::try_from(self.layout.headers().len()).unwrap_or(u16::MAX - 1)
    }

    fn start_sheet(&mut self) -> Result<(), XlsxError> {
        const USUAL_WIDTH: f64 = 18.0;
        const MESSAGE_WIDTH: f64 = 90.0;
        self.sheets += 1;
        self.used = 1;
        let message = self.message_place();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(if self.sheets == 1 { "Errors".to_owned() } else { format!("Errors {}", self.sheets) })?;
        sheet.set_freeze_panes(1, 0)?;
        for place in 0..message {
            sheet.set_column_width(place, USUAL_WIDTH)?;
        }
        sheet.set_column_width(message, MESSAGE_WIDTH)?;
        sheet.set_column_width(message + 1, USUAL_WIDTH)?;
        for (place, header) in (0u16..).zip(self.layout.headers()) {
            sheet.write_string_with_format(0, place, header, &self.plain.header)?;
        }
        sheet.write_string_with_format(0, message, WHAT_IS_WRONG, &self.plain.header)?;
        sheet.write_string_with_format(0, message + 1, ROW_IN_FILE, &self.plain.header)?;
        Ok(())
    }

    fn row(&mut self, row: u32, cells: &[Cell], faults: &[ReportFault]) -> Result<(), XlsxError> {
        if self.used > ROWS_A_SHEET {
            self.start_sheet()?;
        }
        let (at, message) = (self.used, self.message_place());
        let places: Vec<Option<u16>> = faults.iter().map(|fault| place_of(self.layout, fault)).collect();
        let notes = &mut self.notes;
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for place in 0..message {
            let cell = cells.get(usize::from(place)).unwrap_or(&Cell::Empty);
            let is_faulty = places.contains(&Some(place));
            write_cell(sheet, at, place, cell, if is_faulty { &self.faulty } else { &self.plain }, is_faulty)?;
            if is_faulty && *notes < MOST_NOTES {
                *notes += 1;
                let here = faults.iter().zip(&places).filter(|(_, found)| **found == Some(place));
                let text = joined(here.map(|(fault, _)| fault.message.as_str()));
                sheet.insert_note(at, place, &Note::new(text).set_author("").add_author_prefix(false))?;
            }
        }
        let text = joined(faults.iter().map(|fault| fault.message.as_str()));
        sheet.write_string_with_format(at, message, text, &self.plain.message)?;
        sheet.write_number(at, message + 1, row)?;
        self.used += 1;
        self.rows += 1;
        Ok(())
    }

    fn save(mut self, target: &Path) -> Result<u64, XlsxError> {
        self.workbook.save(target)?;
        Ok(self.rows)
    }
}

/// Where the faulty cell stands: by its header, else by its column.
fn place_of(layout: &Layout, fault: &ReportFault) -> Option<u16> {
    let name = fault.column.as_deref()?;
    let by_header = layout.headers().iter().position(|header| header.trim() == name.trim());
    let by_column = || {
        let column = Column::ALL.into_iter().find(|column| column.wire_name() == name)?;
        layout.place(column)
    };
    by_header.or_else(by_column).and_then(|place| u16::try_from(place).ok())
}

/// Writes what the uploader wrote; a blank cell leaves its mark alone.
fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    place: u16,
    cell: &Cell,
    formats: &Formats,
    is_faulty: bool,
) -> Result<(), XlsxError> {
    match cell {
        _ if cell.is_empty() && !is_faulty => {}
        _ if cell.is_empty() => {
            sheet.write_blank(row, place, &formats.typed)?;
        }
        Cell::Number(number) if number.is_finite() => {
            sheet.write_number_with_format(row, place, *number, &formats.typed)?;
        }
        Cell::Bool(value) => {
            sheet.write_boolean_with_format(row, place, *value, &formats.typed)?;
        }
        Cell::DateTime(at) if at.time() == NaiveTime::MIN => {
            sheet.write_datetime_with_format(row, place, at, &formats.date)?;
        }
        Cell::DateTime(at) => {
            sheet.write_datetime_with_format(row, place, at, &formats.moment)?;
        }
        Cell::Empty | Cell::Number(_) | Cell::Text(_) | Cell::Error(_) => {
            sheet.write_string_with_format(row, place, cell.display(), &formats.text)?;
        }
    }
    Ok(())
}

fn joined<'m>(messages: impl Iterator<Item = &'m str>) -> String {
    let mut text = String::new();
    for message in messages {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(message);
        if text.len() > MESSAGE_LIMIT {
            text.push_str(" …");
            break;
        }
    }
    text
}
