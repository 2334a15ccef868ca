//! A file of rows, whatever its format.
//!
//! Everything here blocks and belongs in `spawn_blocking`. Memory is constant but for shared strings, which have their
//! own limit. Fails with a [`SheetError`] that is one line for the uploader; the job that reads ends with it.

use super::csv;
use super::error::{SheetError, one_line};
use super::limits::Limits;
use super::package::{self, PackageKind};
use super::rows::RowVisitor;
use super::source::{SheetInfo, Source};
use super::{ods, xls, xlsb, xlsx};
use domain::upload::kind::{FileKind, SNIFF_LENGTH, sniff};
use domain::upload::{Cell, DateSystem, HEADER_SEARCH_ROWS, HeaderError, Layout, Mapping, find_header_row};
use std::fs::File;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

/// The format of a file, told by its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookKind {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
    Csv,
}

impl BookKind {
    /// The usual file name extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Xlsb => "xlsb",
            Self::Xls => "xls",
            Self::Ods => "ods",
            Self::Csv => "csv",
        }
    }
}

/// An open file.
pub struct Book {
    kind: BookKind,
    source: Box<dyn Source>,
    limits: Limits,
}

/// Where in a book the policies are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub sheet: String,
    /// As the sheet shows it; the data follow.
    pub header_row: u32,
    pub layout: Layout,
}

/// Opens a file, told by its contents and never by its name, and refuses what is no workbook or would do harm.
///
/// A zip is inflated once from end to end for that, a CSV file read once.
pub fn open(path: &Path, limits: &Limits) -> Result<Book, SheetError> {
    let mut file = File::open(path).map_err(SheetError::Io)?;
    let mut start = Vec::with_capacity(SNIFF_LENGTH);
    file.by_ref().take(SNIFF_LENGTH as u64).read_to_end(&mut start).map_err(SheetError::Io)?;
    file.rewind().map_err(SheetError::Io)?;
    let (kind, source): (BookKind, Box<dyn Source>) = match sniff(&start)? {
        FileKind::Text(encoding) => (BookKind::Csv, Box::new(csv::open(file, encoding)?)),
        FileKind::CompoundFile => (BookKind::Xls, Box::new(xls::open(file, limits)?)),
        FileKind::Zip => {
            let package = package::inspect(file.try_clone().map_err(SheetError::Io)?, limits)?;
            file.rewind().map_err(SheetError::Io)?;
            match package.kind {
                PackageKind::Xlsx => (BookKind::Xlsx, Box::new(xlsx::open(file, package)?)),
                PackageKind::Xlsb => (BookKind::Xlsb, Box::new(xlsb::open(file, package)?)),
                PackageKind::Ods => (BookKind::Ods, Box::new(ods::open(file, package, limits)?)),
            }
        }
    };
    if source.sheets().len() > limits.sheets {
        return Err(SheetError::TooManySheets(limits.sheets));
    }
    Ok(Book { kind, source, limits: limits.clone() })
}

impl Book {
    /// The format that was found.
    pub fn kind(&self) -> BookKind {
        self.kind
    }

    /// Its worksheets.
    pub fn sheets(&self) -> &[SheetInfo] {
        self.source.sheets()
    }

    /// How the workbook counts days: a part of [`domain::upload::RowRules`].
    pub fn date_system(&self) -> DateSystem {
        self.source.date_system()
    }

    /// How many rows the largest sheet probably has, its header included: good enough for a progress bar until the
    /// end is reached. Counted, and not what the file declares.
    pub fn row_estimate(&self) -> u64 {
        self.source.row_estimate().min(u64::from(self.limits.rows))
    }

    /// Finds the policies: in the sheet that is asked for, or in the first visible one with a usable header among its
    /// leading rows.
    pub fn find_table(&mut self, sheet: Option<&str>, saved: Option<&Mapping>) -> Result<Table, SheetError> {
        let candidates: Vec<usize> = match sheet {
            Some(name) => vec![self.place_of(name)?],
            None => (0..self.sheets().len()).filter(|place| self.sheets()[*place].visible).collect(),
        };
        let mut closest: Option<SheetError> = None;
        for place in candidates {
            let name = self.sheets()[place].name.clone();
            let (numbers, rows) = self.leading_rows(place)?;
            let Some(first) = rows.first() else { continue };
            let header = find_header_row(&rows, saved);
            match Layout::new(header.map_or(first, |header| &rows[header]), saved) {
                Ok(layout) => {
                    return Ok(Table { sheet: name, header_row: numbers[header.unwrap_or(0)], layout });
                }
                Err(source) => {
                    let nearer = match &closest {
                        Some(SheetError::Header { source: before, .. }) => nearness(&source) > nearness(before),
                        _ => true,
                    };
                    if nearer {
                        closest = Some(SheetError::Header { sheet: one_line(&name), source });
                    }
                }
            }
        }
        Err(closest.unwrap_or(SheetError::NoRows))
    }

    /// The policies below a header that is asked for: in row `header_row`, as the sheet shows it, of that sheet or of
    /// the first visible one.
    pub fn table_at(
        &mut self,
        sheet: Option<&str>,
        header_row: u32,
        saved: Option<&Mapping>,
    ) -> Result<Table, SheetError> {
        let place = match sheet {
            Some(name) => self.place_of(name)?,
            None => self.sheets().iter().position(|sheet| sheet.visible).ok_or(SheetError::NoRows)?,
        };
        let sheet = self.sheets()[place].name.clone();
        let mut header = Vec::new();
        let visit: &mut RowVisitor<'_> = &mut |number, cells| {
            if number == header_row {
                header = cells.iter().map(Cell::display).collect();
            }
            ControlFlow::Break(())
        };
        self.source.for_each_row(place, header_row.saturating_sub(1), &self.limits, visit)?;
        match Layout::new(&header, saved) {
            Ok(layout) => Ok(Table { sheet, header_row, layout }),
            Err(source) => Err(SheetError::Header { sheet: one_line(&sheet), source }),
        }
    }

    /// Hands every row after `after` that holds anything to `visit`, in order: its number as the sheet shows it, and
    /// its cells up to the last one used. Stops early when `visit` breaks. The rows are read anew on each call.
    pub fn for_each_row(
        &mut self,
        sheet: &str,
        after: u32,
        mut visit: impl FnMut(u32, &[Cell]) -> ControlFlow<()>,
    ) -> Result<(), SheetError> {
        let place = self.place_of(sheet)?;
        let visit: &mut RowVisitor<'_> = &mut visit;
        self.source.for_each_row(place, after, &self.limits, visit)
    }

    fn place_of(&self, name: &str) -> Result<usize, SheetError> {
        let exact = self.sheets().iter().position(|sheet| sheet.name == name);
        let alike = || self.sheets().iter().position(|sheet| sheet.name.trim().eq_ignore_ascii_case(name.trim()));
        exact.or_else(alike).ok_or_else(|| SheetError::NoSuchSheet(one_line(name)))
    }

    /// The rows that may hold a header, as text, with their numbers.
    fn leading_rows(&mut self, place: usize) -> Result<(Vec<u32>, Vec<Vec<String>>), SheetError> {
        let (mut numbers, mut rows) = (Vec::new(), Vec::new());
        let visit: &mut RowVisitor<'_> = &mut |number, cells| {
            numbers.push(number);
            rows.push(cells.iter().map(Cell::display).collect());
            if rows.len() < HEADER_SEARCH_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        self.source.for_each_row(place, 0, &self.limits, visit)?;
        Ok((numbers, rows))
    }
}

/// How much of a header was there: fewer missing columns are nearer.
fn nearness(error: &HeaderError) -> std::cmp::Reverse<usize> {
    std::cmp::Reverse(error.missing.len() + error.ambiguous.len() + error.absent.len())
}
