//! A book of policies of any size: as rows, as a CSV file, as a workbook, and as copied straight into the tables.

use anyhow::Context;
use chrono::{Days, NaiveDate};
use rust_xlsxwriter::Workbook;
use std::path::Path;

/// The columns of the files, as the template names them.
pub const HEADERS: [&str; 10] = [
    "Customer Code",
    "First Name",
    "Last Name",
    "Email",
    "Phone",
    "Policy Number",
    "Policy Type",
    "Premium Amount",
    "Start Date",
    "End Date",
];

/// One policy of one customer, as text.
pub fn row(number: usize, today: NaiveDate) -> [String; 10] {
    let end = today + Days::new(20 + (number % 40) as u64);
    [
        format!("C{number:08}"),
        format!("First{number}"),
        format!("Last{number}"),
        format!("person{number}@example.com"),
        phone(number),
        format!("POL-{number:08}"),
        "motor".to_owned(),
        format!("{}.50", 5_000 + number % 20_000),
        (end - Days::new(365)).format("%Y-%m-%d").to_string(),
        end.format("%Y-%m-%d").to_string(),
    ]
}

/// A number of an Indian mobile.
pub fn phone(number: usize) -> String {
    format!("+9198{number:08}")
}

/// The book as CSV.
pub fn write_csv(path: &Path, rows: usize, today: NaiveDate) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(HEADERS)?;
    for number in 0..rows {
        writer.write_record(row(number, today))?;
    }
    writer.flush().context("writing the CSV")
}

/// The book as a workbook.
pub fn write_xlsx(path: &Path, rows: usize, today: NaiveDate) -> anyhow::Result<()> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.write_row(0, 0, HEADERS)?;
    for number in 0..rows {
        sheet.write_row(u32::try_from(number + 1)?, 0, row(number, today))?;
    }
    workbook.save(path).context("writing the workbook")
}
