//! A reading of an uploaded file from end to end, under small limits.

use crate::sheets::{Limits, SheetError, open};
use chrono::NaiveDate;
use domain::upload::{RowOutcome, RowRules, check_row};
use std::{ops::ControlFlow, path::PathBuf, sync::LazyLock};

/// Where this process puts the file under test: in memory, where there is such a place.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("fuzz-{}", std::process::id()))
});

/// Limits low enough that going over them is found in small inputs.
pub fn limits() -> Limits {
    Limits {
        columns: 40,
        rows: 5_000,
        cell_characters: 2_000,
        piece_bytes: 8 * 1024,
        sheets: 8,
        members: 32,
        sheet_bytes: 1 << 20,
        strings_bytes: 1 << 18,
        strings: 2_000,
        member_bytes: 1 << 18,
        total_bytes: 2 << 20,
        ratio: 100,
        ratio_floor: 64 * 1024,
        compound_bytes: 1 << 20,
    }
}

/// The rules every row is checked by.
pub fn rules() -> RowRules {
    RowRules::new(NaiveDate::from_ymd_opt(2025, 3, 1).unwrap_or_default())
}

/// Opens the bytes as a file and reads every row of every sheet.
pub fn read(bytes: &[u8]) -> Result<(), SheetError> {
    std::fs::write(&*FILE, bytes).map_err(SheetError::Io)?;
    let limits = limits();
    let mut book = open(&FILE, &limits)?;
    let table = book.find_table(None, None).ok();
    let rules = RowRules { date_system: book.date_system(), ..rules() };
    let names: Vec<String> = book.sheets().iter().map(|sheet| sheet.name.clone()).collect();
    for name in names {
        let mut last = 0;
        book.for_each_row(&name, 0, |row, cells| {
            assert!(row > last && row <= limits.rows && cells.len() <= limits.columns);
            last = row;
            if let Some(table) = table.as_ref().filter(|table| table.sheet == name)
                && let RowOutcome::Bad(faults) = check_row(&table.layout, row, cells, &rules)
            {
                assert!(!faults.is_empty());
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(())
}
