//! Uploaded files: what is read of them, and what is made of their rows.

use crate::{package::file_of, reading};
use chrono::DateTime;
use domain::upload::{Cell, Column, DateOrder, Layout, RowOutcome, RowRules, check_row};
use std::sync::LazyLock;

static LAYOUT: LazyLock<Option<Layout>> = LazyLock::new(|| {
    let headers: Vec<String> = Column::ALL.iter().map(|column| column.title().to_owned()).collect();
    Layout::new(&headers, None).ok()
});

fn cell(line: &[u8]) -> Cell {
    let Some((kind, rest)) = line.split_first() else { return Cell::Empty };
    let text = String::from_utf8_lossy(rest).into_owned();
    match kind {
        b'n' => text.parse().map_or(Cell::Text(text), Cell::Number),
        b'f' => rest.try_into().map_or(Cell::Empty, |bytes| Cell::Number(f64::from_le_bytes(bytes))),
        b'b' => Cell::Bool(!rest.is_empty()),
        b'd' => text
            .parse()
            .ok()
            .and_then(|at| DateTime::from_timestamp(at, 0))
            .map_or(Cell::Empty, |at| Cell::DateTime(at.naive_utc())),
        b'e' => Cell::Error(text),
        _ => Cell::Text(text),
    }
}

/// Any bytes as a CSV file: read, mapped and checked row by row.
pub fn csv_rows(bytes: &[u8]) {
    let _read = reading::read(bytes);
}

/// Any cells as a row of policies: each line of the input is a cell, its first byte says of which kind.
pub fn row_values(bytes: &[u8]) {
    let Some(layout) = LAYOUT.as_ref() else { return };
    let cells: Vec<Cell> = bytes.split(|byte| *byte == b'\n').take(40).map(cell).collect();
    for date_order in [DateOrder::DayFirst, DateOrder::MonthFirst] {
        let rules = RowRules { date_order, ..reading::rules() };
        match check_row(layout, 7, &cells, &rules) {
            RowOutcome::Good(row) => {
                assert!(row.end_date > row.start_date && row.premium.is_positive());
                assert!(!row.policy_number.contains('\0') && row.policy_number.chars().count() <= 100);
            }
            RowOutcome::Bad(faults) => assert!(!faults.is_empty()),
            RowOutcome::Blank => {}
        }
    }
}

/// Any bytes as the parts of a workbook (.xlsx, .ods, .xlsb, .xls), or as the whole file.
pub fn workbook(bytes: &[u8]) {
    let _read = reading::read(&file_of(bytes));
}
