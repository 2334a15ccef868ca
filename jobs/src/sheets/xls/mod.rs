//! Workbooks of Excel 5 to 2003 (.xls: BIFF5 and BIFF8 in a compound file), streamed record by record; the shared
//! strings alone are held in memory.
//!
//! Some writers store cells in no order; such a sheet is read window by window of rows instead. Fails on passwords,
//! macros, and on what is damaged or over a limit.

mod cells;
mod compound;
mod globals;
mod number_format;
mod records;
mod texts;
mod unordered;

use self::cells::for_each_cell;
use self::compound::{Compound, CompoundStream};
use self::globals::Globals;
use self::records::Records;
use super::error::SheetError;
use super::limits::Limits;
use super::rows::{RowAssembler, RowVisitor};
use super::source::{SheetInfo, Source};
use domain::upload::DateSystem;
use std::fs::File;
use std::ops::ControlFlow;

pub(super) struct XlsSource {
    records: Records<CompoundStream>,
    globals: Globals,
    surveys: Vec<Survey>,
}

/// What one look over a sheet's cells found.
#[derive(Debug, Clone, Copy, Default)]
struct Survey {
    /// Rows up to the last used one.
    rows: u32,
    /// Whether a row follows a later one.
    unordered: bool,
}

pub(super) fn open(file: File, limits: &Limits) -> Result<XlsSource, SheetError> {
    let length = file.metadata().map_err(SheetError::Io)?.len();
    if length > limits.compound_bytes {
        return Err(SheetError::TooLarge { what: "the .xls file", limit: limits.compound_bytes.div_ceil(1 << 20) });
    }
    let mut compound = Compound::open(file)?;
    refuse_others(&compound.names())?;
    let stream = match compound.stream("Workbook")? {
        Some(stream) => stream,
        None => compound.stream("Book")?.ok_or(SheetError::NotAWorkbook("a document of another program"))?,
    };
    let mut records = Records::new(stream);
    let globals = Globals::read(&mut records, limits)?;
    let starts = globals.starts.clone();
    let surveys =
        starts.into_iter().map(|start| survey(&mut records, &globals, start)).collect::<Result<Vec<_>, _>>()?;
    Ok(XlsSource { records, globals, surveys })
}

/// Names what the compound file is, when it is something else or must not be read.
fn refuse_others(names: &[&str]) -> Result<(), SheetError> {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    if has("EncryptedPackage") || has("EncryptionInfo") {
        Err(SheetError::Password)
    } else if has("_VBA_PROJECT_CUR") {
        Err(SheetError::Macros)
    } else if has("WordDocument") {
        Err(SheetError::NotAWorkbook("a Word document"))
    } else if has("PowerPoint Document") {
        Err(SheetError::NotAWorkbook("a PowerPoint presentation"))
    } else if has("__properties_version1.0") {
        Err(SheetError::NotAWorkbook("an Outlook message"))
    } else {
        Ok(())
    }
}

fn survey(records: &mut Records<CompoundStream>, globals: &Globals, start: u32) -> Result<Survey, SheetError> {
    let mut survey = Survey::default();
    let mut last = 0u16;
    for_each_cell(records, globals, start, &mut |row, _, _| {
        survey.unordered |= row < last;
        last = row;
        survey.rows = survey.rows.max(u32::from(row) + 1);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(survey)
}

impl Source for XlsSource {
    fn sheets(&self) -> &[SheetInfo] {
        &self.globals.sheets
    }

    fn date_system(&self) -> DateSystem {
        self.globals.system
    }

    fn row_estimate(&self) -> u64 {
        self.surveys.iter().map(|survey| u64::from(survey.rows)).max().unwrap_or_default()
    }

    fn for_each_row(
        &mut self,
        sheet: usize,
        after: u32,
        limits: &Limits,
        visit: &mut RowVisitor<'_>,
    ) -> Result<(), SheetError> {
        let (Some(survey), Some(&start)) = (self.surveys.get(sheet), self.globals.starts.get(sheet)) else {
            return Ok(());
        };
        let mut assembler = RowAssembler::new(limits, after, visit);
        let mut stopped = false;
        let mut put = |row: u16, column: u16, cell: super::rows::CellRef<'_>| {
            let flow = assembler.put(u32::from(row), u32::from(column), cell)?;
            stopped |= flow.is_break();
            Ok(flow)
        };
        if survey.unordered {
            unordered::for_each_cell(&mut self.records, &self.globals, start, survey.rows, after, limits, &mut put)?;
        } else {
            for_each_cell(&mut self.records, &self.globals, start, &mut put)?;
        }
        if !stopped {
            assembler.finish();
        }
        Ok(())
    }
}
