//! The workbooks that are written: error reports and the template, read back.

use super::support::*;
use crate::sheets::error_report::{ROW_IN_FILE, ReportFault, WHAT_IS_WRONG, write_error_report};
use crate::sheets::{Limits, Table, open, template};
use chrono::NaiveDate;
use domain::upload::{Cell, Column, RowOutcome, RowRules, check_row};
use std::io::Read;
use std::ops::ControlFlow;
use tempfile::TempDir;

const CSV: &str = "March renewals\n\nPolicy No.,Customer Name,Type,Premium,Start,End,=Remark\n\
    P-1,Asha Rao,car,100,01/04/2024,31/03/2025,fine\n\
    P-2,Asha Rao,gold,\"12.345,67\",01/04/2024,31/03/2025,=1+1\n\
    P-3,Asha Rao,car,100,01/04/2024,31/03/2025,@x\n\
    ,-Asha,car,100,01/04/2024,soon,+91\n";

fn rules() -> RowRules {
    RowRules::new(NaiveDate::from_ymd_opt(2025, 3, 1).unwrap())
}

/// The faults of a file, row by row.
fn faults(bytes: &[u8]) -> (Table, Vec<ReportFault>) {
    let mut book = book(bytes).unwrap();
    let table = book.find_table(None, None).unwrap();
    let mut faults = Vec::new();
    book.for_each_row(&table.sheet, table.header_row, |row, cells| {
        if let RowOutcome::Bad(found) = check_row(&table.layout, row, cells, &rules()) {
            faults.extend(found.into_iter().map(|fault| ReportFault {
                row,
                column: fault.header,
                message: fault.message,
            }));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (table, faults)
}

fn report(bytes: &[u8], table: &Table, faults: Vec<ReportFault>) -> (u64, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("errors.xlsx");
    let source = file(bytes);
    let rows = write_error_report(source.path(), &Limits::default(), table, faults.into_iter(), &target).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files are gone");
    (rows, std::fs::read(target).unwrap())
}

fn member(bytes: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_report_keeps_the_layout_and_says_what_is_wrong() {
    let (table, faults) = faults(CSV.as_bytes());
    let (count, bytes) = report(CSV.as_bytes(), &table, faults);
    assert_eq!(count, 2);
    let rows = rows(&bytes).unwrap();
    let headers: Vec<String> = rows[0].1.iter().map(Cell::display).collect();
    assert_eq!(
        headers,
        ["Policy No.", "Customer Name", "Type", "Premium", "Start", "End", "=Remark", WHAT_IS_WRONG, ROW_IN_FILE]
    );
    assert_eq!(rows[1].1[..4], [text("P-2"), text("Asha Rao"), text("gold"), text("12.345,67")]);
    let message = rows[1].1[7].display();
    assert!(
        message.starts_with("Policy Type is not a known policy type")
            && message.contains("\nPremium Amount can be read"),
        "{message}"
    );
    assert_eq!(rows[1].1[8], Cell::Number(5.0));
    assert_eq!((&rows[2].1[0], rows[2].1[8].clone()), (&Cell::Empty, Cell::Number(7.0)));
}

#[test]
fn a_report_has_no_formulas_and_marks_faulty_cells() {
    let (table, faults) = faults(CSV.as_bytes());
    let (_, bytes) = report(CSV.as_bytes(), &table, faults);
    let rows = rows(&bytes).unwrap();
    assert_eq!(
        (rows[1].1[6].clone(), rows[2].1[1].clone(), rows[2].1[6].clone()),
        (text("=1+1"), text("-Asha"), text("+91"))
    );
    let sheet = member(&bytes, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
    let style = |cell: &str| {
        let at = sheet.find(&format!("<c r=\"{cell}\"")).unwrap_or_else(|| panic!("{cell}"));
        sheet[at..].split('"').nth(3).unwrap().to_owned()
    };
    // the faulty type and premium look alike, and unlike the good name
    assert_eq!(style("C2"), style("D2"));
    assert_ne!(style("B2"), style("C2"));
    assert_ne!(style("A3"), style("B3"));
    assert!(member(&bytes, "xl/styles.xml").contains("quotePrefix=\"1\""));
    assert!(member(&bytes, "xl/comments1.xml").contains("is not a known policy type"));
}

#[test]
fn a_report_can_be_corrected_and_uploaded() {
    let (table, found) = faults(CSV.as_bytes());
    let (_, bytes) = report(CSV.as_bytes(), &table, found);
    let (again, faults) = faults(&bytes);
    assert_eq!((again.header_row, faults.len()), (1, 4));
    assert_eq!(again.layout.ignored().filter(|header| *header == WHAT_IS_WRONG).count(), 1);
}

#[test]
fn a_report_keeps_the_types_of_cells() {
    let bytes = xlsx(
        r#"<row><c t="inlineStr"><is><t>Policy No</t></is></c><c t="inlineStr"><is><t>Premium</t></is></c><c t="inlineStr"><is><t>Start Date</t></is></c><c t="inlineStr"><is><t>X</t></is></c></row>
        <row><c><v>17</v></c><c><v>-5.5</v></c><c t="d"><v>2024-04-01</v></c><c t="b"><v>1</v></c></row>"#,
    );
    let headers: Vec<String> = rows(&bytes).unwrap()[0].1.iter().map(Cell::display).collect();
    let error = domain::upload::Layout::new(&headers, None).unwrap_err();
    assert_eq!(error.missing.len(), 3);
    let whole = ["Policy No", "Premium", "Start Date", "X", "Name", "Type", "End Date"].map(str::to_owned);
    let layout = domain::upload::Layout::new(&whole, None).unwrap();
    let table = Table { sheet: "Sheet1".to_owned(), header_row: 1, layout };
    let fault = ReportFault { row: 2, column: Some("premium".to_owned()), message: "too low".to_owned() };
    let missing = ReportFault { row: 9, ..fault.clone() };
    let (count, bytes) = report(&bytes, &table, vec![fault, missing]);
    assert_eq!(count, 1);
    assert_eq!(
        rows(&bytes).unwrap()[1].1[..4],
        [Cell::Number(17.0), Cell::Number(-5.5), text("2024-04-01"), Cell::Bool(true)]
    );
}

#[test]
fn the_template_is_a_book_with_no_rows_until_it_is_filled_in() {
    let bytes = template().unwrap();
    let mut book = book(&bytes).unwrap();
    let table = book.find_table(None, None).unwrap();
    assert_eq!((table.sheet.as_str(), table.header_row, table.layout.ignored().count()), ("Policies", 1, 0));
    let mut example = Vec::new();
    book.for_each_row("Policies", 1, |_, cells| {
        example = cells.to_vec();
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(check_row(&table.layout, 2, &example, &rules()), RowOutcome::Blank);
    example[table.layout.place(Column::PolicyNumber).unwrap()] = text("P-1");
    let RowOutcome::Good(row) = check_row(&table.layout, 2, &example, &rules()) else { panic!() };
    assert_eq!((row.premium.to_string().as_str(), row.grace_period_days), ("12500.00", Some(30)));
    assert_eq!(open(file(&bytes).path(), &Limits::default()).unwrap().sheets()[1].name, "Instructions");
    let sheet = member(&bytes, "xl/worksheets/sheet1.xml");
    assert!(
        sheet.contains("personal accident")
            && sheet.contains("INR,USD")
            && sheet.contains("<dataValidations count=\"2\">")
    );
}
