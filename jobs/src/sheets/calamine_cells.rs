//! Cells of .xlsx and .xlsb as calamine streams them.
//!
//! The parser indexes into hostile data in places; a panic of its is caught and told as a damaged file. Every size that
//! could make it grow was checked by [`super::package`] before.

use super::error::{SheetError, one_line};
use super::rows::{CellRef, RowAssembler};
use calamine::{CellErrorType, DataRef, ExcelDateTime};
use domain::upload::DateSystem;
use std::fmt::Display;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Shown for a formula whose result the file does not hold.
pub(super) const NO_RESULT: &str = "a formula without a stored result";

/// Runs a piece of the parser; its errors and its panics become a damaged file.
pub(super) fn guarded<T, E: Display>(parse: impl FnOnce() -> Result<T, E>) -> Result<T, SheetError> {
    match catch_unwind(AssertUnwindSafe(parse)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(SheetError::Damaged(one_line(&error.to_string()))),
        Err(_) => Err(SheetError::Damaged("its contents contradict each other".to_owned())),
    }
}

/// Hands one cell on; row and column are counted from zero.
pub(super) fn put(
    assembler: &mut RowAssembler<'_, '_>,
    (row, column): (u32, u32),
    value: &DataRef<'_>,
    is_formula: bool,
    system: DateSystem,
) -> Result<ControlFlow<()>, SheetError> {
    #[expect(clippy::cast_precision_loss, reason = "the parser makes integers of numbers under 2^30 only")]
    let cell = match value {
        DataRef::Empty if is_formula => CellRef::Error(NO_RESULT),
        DataRef::Empty => return Ok(ControlFlow::Continue(())),
        DataRef::String(text) => CellRef::Text(text),
        DataRef::SharedString(text) => CellRef::Text(text),
        DataRef::Float(number) => CellRef::Number(*number),
        DataRef::Int(number) => CellRef::Number(*number as f64),
        DataRef::Bool(value) => CellRef::Bool(*value),
        DataRef::DateTime(at) => of_serial(at, system),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => CellRef::Text(text),
        DataRef::Error(error) => CellRef::Error(error_text(error)),
    };
    assembler.put(row, column, cell)
}

fn of_serial(at: &ExcelDateTime, system: DateSystem) -> CellRef<'static> {
    if at.is_datetime() { CellRef::dated(at.as_f64(), system) } else { CellRef::Number(at.as_f64()) }
}

fn error_text(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}
