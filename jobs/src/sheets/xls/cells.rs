//! The cells of one sheet of a BIFF stream, in the order in which they are written.
//!
//! Fails on damaged records. Charts embedded in the sheet carry cells of their own; they are passed over.

use super::globals::Globals;
use super::records::{Fields, Records};
use super::texts::long_text;
use crate::sheets::error::SheetError;
use crate::sheets::rows::CellRef;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

/// Records of a sheet (MS-XLS 2.3).
mod kinds {
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const EOF: u16 = 0x000A;
    pub(super) const MUL_RK: u16 = 0x00BD;
    pub(super) const R_STRING: u16 = 0x00D6;
    pub(super) const LABEL_SST: u16 = 0x00FD;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const LABEL: u16 = 0x0204;
    pub(super) const BOOL_ERR: u16 = 0x0205;
    pub(super) const STRING: u16 = 0x0207;
    pub(super) const RK: u16 = 0x027E;
    pub(super) const BOF: u16 = 0x0809;
}

/// Takes a cell with its row and column, both from zero.
pub(super) type CellVisitor<'v> = dyn FnMut(u16, u16, CellRef<'_>) -> Result<ControlFlow<()>, SheetError> + 'v;

/// Reads the sheet that begins at `start`, and hands over each cell that holds something.
pub(super) fn for_each_cell<R: Read + Seek>(
    records: &mut Records<R>,
    globals: &Globals,
    start: u32,
    visit: &mut CellVisitor<'_>,
) -> Result<(), SheetError> {
    records.seek(start)?;
    let mut depth = 0u32;
    // a formula whose text follows in a record of its own
    let mut awaited: Option<(u16, u16)> = None;
    while records.next()? {
        let kind = records.kind();
        match kind {
            kinds::BOF => depth += 1,
            kinds::EOF if depth <= 1 => return Ok(()),
            kinds::EOF => depth -= 1,
            _ if depth != 1 => {}
            kinds::STRING => {
                if let Some((row, column)) = awaited.take() {
                    let text = long_text(records, 0, globals.biff)?;
                    if visit(row, column, CellRef::Text(&text))?.is_break() {
                        return Ok(());
                    }
                }
            }
            kinds::LABEL | kinds::R_STRING => {
                let mut fields = Fields::new(records.body());
                let (row, column) = (fields.u16()?, fields.u16()?);
                let text = long_text(records, 6, globals.biff)?;
                if visit(row, column, CellRef::Text(&text))?.is_break() {
                    return Ok(());
                }
            }
            _ => {
                if plain_cell(kind, records.body(), globals, &mut awaited, visit)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
    Err(SheetError::Damaged("a sheet has no end".to_owned()))
}

/// A record that holds its cell, or its cells, whole.
fn plain_cell(
    kind: u16,
    body: &[u8],
    globals: &Globals,
    awaited: &mut Option<(u16, u16)>,
    visit: &mut CellVisitor<'_>,
) -> Result<ControlFlow<()>, SheetError> {
    let is_cell =
        matches!(kind, kinds::NUMBER | kinds::RK | kinds::MUL_RK | kinds::LABEL_SST | kinds::BOOL_ERR | kinds::FORMULA);
    if !is_cell {
        return Ok(ControlFlow::Continue(()));
    }
    let mut fields = Fields::new(body);
    let (row, column) = (fields.u16()?, fields.u16()?);
    if kind == kinds::MUL_RK {
        return mul_rk(row, column, &mut fields, globals, visit);
    }
    let format = fields.u16()?;
    let cell = match kind {
        kinds::NUMBER => number(fields.f64()?, format, globals),
        kinds::RK => number(rk(fields.u32()?), format, globals),
        kinds::LABEL_SST => {
            let place = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
            let text = globals.strings.get(place);
            CellRef::Text(text.ok_or_else(|| SheetError::Damaged("a text is not in the table of texts".to_owned()))?)
        }
        kinds::BOOL_ERR => {
            let value = fields.u8()?;
            if fields.u8()? == 0 { CellRef::Bool(value != 0) } else { CellRef::Error(error_text(value)) }
        }
        _ => match formula_result(fields.take(8)?) {
            FormulaResult::Number(value) => number(value, format, globals),
            FormulaResult::Bool(value) => CellRef::Bool(value),
            FormulaResult::Error(code) => CellRef::Error(error_text(code)),
            FormulaResult::TextFollows => {
                *awaited = Some((row, column));
                return Ok(ControlFlow::Continue(()));
            }
            FormulaResult::Blank => return Ok(ControlFlow::Continue(())),
        },
    };
    visit(row, column, cell)
}

/// Several numbers side by side (MS-XLS 2.4.175).
fn mul_rk(
    row: u16,
    first: u16,
    fields: &mut Fields<'_>,
    globals: &Globals,
    visit: &mut CellVisitor<'_>,
) -> Result<ControlFlow<()>, SheetError> {
    let mut column = first;
    while fields.left() >= 8 {
        let format = fields.u16()?;
        let value = rk(fields.u32()?);
        if visit(row, column, number(value, format, globals))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        column = column.saturating_add(1);
    }
    Ok(ControlFlow::Continue(()))
}

fn number(value: f64, format: u16, globals: &Globals) -> CellRef<'static> {
    if globals.is_date(format) { CellRef::dated(value, globals.system) } else { CellRef::Number(value) }
}

/// A number in thirty bits: the upper part of a double or an integer, perhaps in hundredths (MS-XLS 2.5.218).
fn rk(bits: u32) -> f64 {
    let value =
        if bits & 2 == 0 { f64::from_bits(u64::from(bits & !3) << 32) } else { f64::from(bits.cast_signed() >> 2) };
    if bits & 1 == 0 { value } else { value / 100.0 }
}

enum FormulaResult {
    Number(f64),
    Bool(bool),
    Error(u8),
    TextFollows,
    Blank,
}

/// The stored result of a formula (MS-XLS 2.5.133).
fn formula_result(bytes: &[u8]) -> FormulaResult {
    match bytes {
        [0, .., 0xFF, 0xFF] => FormulaResult::TextFollows,
        [1, _, value, .., 0xFF, 0xFF] => FormulaResult::Bool(*value != 0),
        [2, _, code, .., 0xFF, 0xFF] => FormulaResult::Error(*code),
        [_, .., 0xFF, 0xFF] => FormulaResult::Blank,
        other => FormulaResult::Number(other.try_into().map(f64::from_le_bytes).unwrap_or_default()),
    }
}

/// MS-XLS 2.5.10.
fn error_text(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        _ => "#ERROR!",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_thirty_bits() {
        assert_eq!(rk(0x3FF0_0000), 1.0);
        assert_eq!(rk(0x3FF0_0001), 0.01);
        assert_eq!(rk((123_456_u32 << 2) | 2), 123_456.0);
        assert_eq!(rk((123_456_u32 << 2) | 3), 1234.56);
        assert_eq!(rk((-5i32 << 2).cast_unsigned() | 2), -5.0);
    }

    #[test]
    fn results_of_formulas() {
        assert!(matches!(formula_result(&1.5f64.to_le_bytes()), FormulaResult::Number(value) if value == 1.5));
        assert!(matches!(formula_result(&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), FormulaResult::TextFollows));
        assert!(matches!(formula_result(&[1, 0, 1, 0, 0, 0, 0xFF, 0xFF]), FormulaResult::Bool(true)));
        assert!(matches!(formula_result(&[2, 0, 0x17, 0, 0, 0, 0xFF, 0xFF]), FormulaResult::Error(0x17)));
        assert!(matches!(formula_result(&[3, 0, 0, 0, 0, 0, 0xFF, 0xFF]), FormulaResult::Blank));
    }
}
