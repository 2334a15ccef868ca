//! Puts cells together to rows, and hands each row to the caller while the file is read.
//!
//! Cells come in the order of the file; the buffer is one row and is used again for the next. Fails on a column, row
//! or cell over its limit and on rows that run backwards.

use super::error::SheetError;
use super::limits::Limits;
use chrono::NaiveDateTime;
use domain::upload::{Cell, DateSystem};
use std::ops::ControlFlow;

/// What a caller does with each row: its number as the sheet shows it, and its cells up to the last used one.
pub type RowVisitor<'a> = dyn FnMut(u32, &[Cell]) -> ControlFlow<()> + 'a;

/// A cell as a reader has it in hand.
#[derive(Debug, Clone, Copy)]
pub(super) enum CellRef<'a> {
    Text(&'a str),
    Number(f64),
    Bool(bool),
    DateTime(NaiveDateTime),
    Error(&'a str),
}

impl<'a> CellRef<'a> {
    /// What a number means under a date format: a moment, or the bare number where there is no such day.
    pub(super) fn dated(serial: f64, system: DateSystem) -> Self {
        moment(serial, system).map_or(Self::Number(serial), Self::DateTime)
    }
}

fn moment(serial: f64, system: DateSystem) -> Option<NaiveDateTime> {
    const MILLISECONDS_A_DAY: f64 = 86_400_000.0;
    let day = system.day(serial)?;
    #[expect(clippy::cast_possible_truncation, reason = "less than a day")]
    let milliseconds = (serial.fract() * MILLISECONDS_A_DAY).round() as i64;
    day.and_time(chrono::NaiveTime::MIN).checked_add_signed(chrono::Duration::milliseconds(milliseconds))
}

/// Texts of cells longer than this give their memory back before the next row.
const KEPT_CAPACITY: usize = 1024;

/// The row being read.
pub(super) struct RowAssembler<'v, 'f> {
    limits: &'v Limits,
    /// Rows up to this one are passed over.
    after: u32,
    visit: &'v mut RowVisitor<'f>,
    /// As the sheet shows it; 0 before the first cell.
    row: u32,
    cells: Vec<Cell>,
    used: usize,
}

impl<'v, 'f> RowAssembler<'v, 'f> {
    pub(super) fn new(limits: &'v Limits, after: u32, visit: &'v mut RowVisitor<'f>) -> Self {
        Self { limits, after, visit, row: 0, cells: Vec::new(), used: 0 }
    }

    /// Takes a cell; row and column are counted from zero. Breaks when the caller has seen enough.
    pub(super) fn put(&mut self, row: u32, column: u32, cell: CellRef<'_>) -> Result<ControlFlow<()>, SheetError> {
        let row = row.saturating_add(1);
        if row < self.row {
            return Err(SheetError::Damaged("its rows run backwards".to_owned()));
        }
        if row > self.row {
            if self.finish_row().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if row > self.limits.rows {
                return Err(SheetError::TooManyRows(self.limits.rows));
            }
            self.row = row;
        }
        if row > self.after {
            self.keep(column, cell)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands over the last row.
    pub(super) fn finish(mut self) {
        let _ = self.finish_row();
    }

    fn keep(&mut self, column: u32, cell: CellRef<'_>) -> Result<(), SheetError> {
        let is_text_of_nothing = matches!(cell, CellRef::Text(text) if text.is_empty());
        if is_text_of_nothing {
            return Ok(());
        }
        let limit = self.limits.columns;
        let column = usize::try_from(column).ok().filter(|column| *column < limit);
        let column = column.ok_or(SheetError::TooManyColumns { row: self.row, limit })?;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, Cell::Empty);
        }
        self.used = self.used.max(column + 1);
        let slot = &mut self.cells[column];
        match cell {
            CellRef::Text(text) => {
                self.limits.check_length(text, self.row)?;
                match slot {
                    Cell::Text(kept) => {
                        kept.clear();
                        kept.push_str(text);
                    }
                    other => *other = Cell::Text(text.to_owned()),
                }
            }
            CellRef::Number(number) => *slot = Cell::Number(number),
            CellRef::Bool(value) => *slot = Cell::Bool(value),
            CellRef::DateTime(at) => *slot = Cell::DateTime(at),
            CellRef::Error(text) => *slot = Cell::Error(text.to_owned()),
        }
        Ok(())
    }

    fn finish_row(&mut self) -> ControlFlow<()> {
        if self.used == 0 {
            return ControlFlow::Continue(());
        }
        let flow = (self.visit)(self.row, &self.cells[..self.used]);
        for cell in &mut self.cells[..self.used] {
            match cell {
                Cell::Text(text) if text.capacity() <= KEPT_CAPACITY => text.clear(),
                other => *other = Cell::Empty,
            }
        }
        self.used = 0;
        flow
    }
}

impl Limits {
    /// Whether the text is no longer than a cell may be.
    pub(super) fn check_length(&self, text: &str, row: u32) -> Result<(), SheetError> {
        let limit = self.cell_characters;
        if text.len() > limit && text.chars().count() > limit {
            return Err(SheetError::CellTooLong { row, limit });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn gather(cells: &[(u32, u32, CellRef<'_>)], after: u32) -> Result<Vec<(u32, Vec<Cell>)>, SheetError> {
        let limits = Limits { columns: 3, rows: 5, cell_characters: 4, ..Limits::default() };
        let mut rows = Vec::new();
        let mut visit = |row: u32, cells: &[Cell]| {
            rows.push((row, cells.to_vec()));
            ControlFlow::Continue(())
        };
        let mut assembler = RowAssembler::new(&limits, after, &mut visit);
        for (row, column, cell) in cells {
            let _ = assembler.put(*row, *column, *cell)?;
        }
        assembler.finish();
        Ok(rows)
    }

    #[test]
    fn rows_are_numbered_as_the_sheet_shows_them() {
        let cells = [(0, 0, CellRef::Text("a")), (0, 2, CellRef::Number(1.0)), (3, 1, CellRef::Text("b"))];
        let rows = gather(&cells, 0).unwrap();
        assert_eq!(rows[0], (1, vec!["a".into(), Cell::Empty, 1.0.into()]));
        assert_eq!(rows[1].0, 4);
        assert!(rows[1].1[0].is_empty() && rows[1].1[1] == "b".into());
        assert_eq!(gather(&cells, 1).unwrap().len(), 1);
        assert_eq!(gather(&cells, 4).unwrap().len(), 0);
    }

    #[test]
    fn what_goes_over_a_limit_is_refused() {
        let refused = |row, column, text| gather(&[(row, column, CellRef::Text(text))], 0).unwrap_err().code();
        assert_eq!(refused(0, 3, "a"), "too_many_columns");
        assert_eq!(refused(5, 0, "a"), "too_many_rows");
        assert_eq!(refused(u32::MAX, 0, "a"), "too_many_rows");
        assert_eq!(refused(0, 0, "abcde"), "cell_too_long");
        assert!(gather(&[(0, 9, CellRef::Text("")), (0, 0, CellRef::Text("äöüß"))], 0).is_ok());
        assert!(gather(&[(1, 0, CellRef::Text("a")), (0, 0, CellRef::Text("a"))], 0).is_err());
    }

    #[test]
    fn dates_of_both_systems() {
        let noon = NaiveDate::from_ymd_opt(2025, 3, 5).unwrap().and_hms_opt(12, 0, 0).unwrap();
        assert!(matches!(CellRef::dated(45_721.5, DateSystem::From1900), CellRef::DateTime(at) if at == noon));
        assert!(matches!(CellRef::dated(44_259.5, DateSystem::From1904), CellRef::DateTime(at) if at == noon));
        assert!(matches!(CellRef::dated(60.0, DateSystem::From1900), CellRef::Number(_)));
        assert!(matches!(CellRef::dated(-1.0, DateSystem::From1900), CellRef::Number(_)));
    }
}
