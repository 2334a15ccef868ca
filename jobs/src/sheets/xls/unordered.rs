//! Puts the cells of a sheet that was written in no order into order, a window of rows at a time.
//!
//! Memory is one window; the sheet is read once a window, sixteen times for the longest. Fails as reading fails.

use super::cells::{CellVisitor, for_each_cell as read_cells};
use super::globals::Globals;
use super::records::Records;
use crate::sheets::error::SheetError;
use crate::sheets::limits::Limits;
use crate::sheets::rows::CellRef;
use domain::upload::Cell;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

/// Rows of a window.
const WINDOW: u32 = 4096;
/// Bytes of text in a window.
const WINDOW_BYTES: usize = 64 * 1024 * 1024;

/// Hands over the cells of the sheet's first `rows` rows, but for those up to `after`, row by row.
pub(super) fn for_each_cell<R: Read + Seek>(
    records: &mut Records<R>,
    globals: &Globals,
    start: u32,
    rows: u32,
    after: u32,
    limits: &Limits,
    visit: &mut CellVisitor<'_>,
) -> Result<(), SheetError> {
    let mut first = after;
    while first < rows {
        let end = first + WINDOW;
        let mut window: BTreeMap<(u16, u16), Cell> = BTreeMap::new();
        let mut bytes = 0usize;
        read_cells(records, globals, start, &mut |row, column, cell| {
            if (first..end).contains(&u32::from(row)) {
                if usize::from(column) >= limits.columns {
                    return Err(SheetError::TooManyColumns { row: u32::from(row) + 1, limit: limits.columns });
                }
                if let CellRef::Text(text) = cell {
                    bytes += text.len();
                }
                if bytes > WINDOW_BYTES {
                    return Err(SheetError::Damaged("its cells stand in no order; save it anew as .xlsx".to_owned()));
                }
                window.insert((row, column), owned(cell));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for ((row, column), cell) in &window {
            if let Some(cell) = borrowed(cell)
                && visit(*row, *column, cell)?.is_break()
            {
                return Ok(());
            }
        }
        first = end;
    }
    Ok(())
}

fn owned(cell: CellRef<'_>) -> Cell {
    match cell {
        CellRef::Text(text) => Cell::Text(text.to_owned()),
        CellRef::Number(number) => Cell::Number(number),
        CellRef::Bool(value) => Cell::Bool(value),
        CellRef::DateTime(at) => Cell::DateTime(at),
        CellRef::Error(text) => Cell::Error(text.to_owned()),
    }
}

fn borrowed(cell: &Cell) -> Option<CellRef<'_>> {
    Some(match cell {
        Cell::Empty => return None,
        Cell::Text(text) => CellRef::Text(text),
        Cell::Number(number) => CellRef::Number(*number),
        Cell::Bool(value) => CellRef::Bool(*value),
        Cell::DateTime(at) => CellRef::DateTime(*at),
        Cell::Error(text) => CellRef::Error(text),
    })
}
