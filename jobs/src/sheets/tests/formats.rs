//! The same few rows in every format.

use super::compound_writer::compound;
use super::support::*;
use super::xls_writer::{self, XlsCell, xls};
use super::xlsb_writer::{XlsbCell, sheet, xlsb};
use crate::sheets::{BookKind, SheetError};
use chrono::{NaiveDate, NaiveDateTime};
use domain::upload::{Cell, Column, DateSystem, Mapping};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

const SERIAL: f64 = 45_721.0;

fn day() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2025, 3, 5).unwrap().and_hms_opt(0, 0, 0).unwrap()
}

/// What every format holds: a header in row 2, a row 3 with each kind of cell, a row 5 after a gap.
fn expected() -> Rows {
    vec![
        (2, vec![text("Policy No."), text("Name")]),
        (
            3,
            vec![
                text("P-1"),
                text("Zoë ₹"),
                Cell::Number(1234.5),
                Cell::DateTime(day()),
                Cell::Bool(true),
                Cell::Error("#REF!".to_owned()),
            ],
        ),
        (5, vec![Cell::Empty, text("Last")]),
    ]
}

#[test]
fn xlsx_as_excel_writes_it() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(1, 0, "Policy No.").unwrap();
    sheet.write(1, 1, "Name").unwrap();
    sheet.write(2, 0, "P-1").unwrap();
    sheet.write(2, 1, "Zoë ₹").unwrap();
    sheet.write(2, 2, 1234.5).unwrap();
    let date = ExcelDateTime::from_ymd(2025, 3, 5).unwrap();
    sheet.write_datetime_with_format(2, 3, &date, &Format::new().set_num_format("dd/mm/yyyy")).unwrap();
    sheet.write(2, 4, true).unwrap();
    sheet.write_formula(2, 5, Formula::new("=A99999999").set_result("#REF!")).unwrap();
    sheet.write(4, 1, "Last").unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    assert_eq!(rows(&bytes).unwrap(), expected());
    let book = book(&bytes).unwrap();
    assert_eq!((book.kind(), book.date_system(), book.row_estimate()), (BookKind::Xlsx, DateSystem::From1900, 3));
}

#[test]
fn xlsx_by_hand_without_references_and_styles() {
    let found = rows(&xlsx(
        r#"<row><c t="inlineStr"><is><r><t>Policy</t></r><r><t xml:space="preserve"> No.</t></r></is></c></row>
        <row r="4"><c r="C4"><f>1+1</f><v>2</v></c><c r="D4"><f>A1</f></c><c r="E4" t="str"><f>A1</f><v>a &amp; b</v></c></row>
        <row r="5"><c r="A5" s="7"/></row><row r="9"><c r="B9" t="e"><v>#N/A</v></c></row>"#,
    ))
    .unwrap();
    assert_eq!(
        found,
        [
            (1, vec![text("Policy No.")]),
            (
                4,
                vec![
                    Cell::Empty,
                    Cell::Empty,
                    Cell::Number(2.0),
                    Cell::Error("a formula without a stored result".to_owned()),
                    text("a & b")
                ]
            ),
            (9, vec![Cell::Empty, Cell::Error("#N/A".to_owned())]),
        ]
    );
}

#[test]
fn xlsb_cells() {
    let rows_of_sheet = [
        (1, vec![(0, XlsbCell::Shared(0)), (1, XlsbCell::Text("Name"))]),
        (
            2,
            vec![
                (0, XlsbCell::Text("P-1")),
                (1, XlsbCell::Shared(1)),
                (2, XlsbCell::Number(1234.5)),
                (3, XlsbCell::Date(SERIAL)),
                (4, XlsbCell::Bool(true)),
                (5, XlsbCell::Error(0x17)),
            ],
        ),
        (4, vec![(1, XlsbCell::Text("Last"))]),
    ];
    let bytes = xlsb(&sheet(&rows_of_sheet), &["Policy No.", "Zoë ₹"]);
    assert_eq!(rows(&bytes).unwrap(), expected());
    let book = book(&bytes).unwrap();
    assert_eq!((book.kind(), book.row_estimate(), book.sheets()[0].name.as_str()), (BookKind::Xlsb, 3, "Policies"));
}

#[test]
fn a_text_missing_from_the_table_is_a_damaged_file() {
    let bytes = xlsb(&sheet(&[(0, vec![(0, XlsbCell::Shared(99))])]), &[]);
    assert!(matches!(refusal(&bytes), SheetError::Damaged(_)));
    assert!(matches!(refusal(&xls(&[(0, 0, XlsCell::Shared(99))], &[])), SheetError::Damaged(_)));
}

fn xls_cells() -> Vec<(u16, u16, XlsCell<'static>)> {
    vec![
        (1, 0, XlsCell::Shared(0)),
        (1, 1, XlsCell::Label("Name")),
        (2, 0, XlsCell::FormulaText("P-1")),
        (2, 1, XlsCell::Shared(1)),
        (2, 2, XlsCell::Rk((123_450 << 2) | 3)),
        (2, 3, XlsCell::Date(SERIAL)),
        (2, 4, XlsCell::Bool(true)),
        (2, 5, XlsCell::Error(0x17)),
        (4, 1, XlsCell::Label("Last")),
    ]
}

#[test]
fn xls_in_and_out_of_order() {
    let shared = ["Policy No.", "Zoë ₹"];
    let bytes = xls(&xls_cells(), &shared);
    assert_eq!(rows(&bytes).unwrap(), expected());
    let mut cells = xls_cells();
    cells.reverse();
    let bytes = xls(&cells, &shared);
    assert_eq!(rows(&bytes).unwrap(), expected());
    let mut book = book(&bytes).unwrap();
    assert_eq!((book.kind(), book.row_estimate()), (BookKind::Xls, 5));
    assert_eq!(rows_after(&mut book, "Policies", 3).unwrap(), expected()[2..]);
}

#[test]
fn xls_dates_from_1904() {
    let cells =
        [(0, 0, XlsCell::Date(SERIAL - 1462.0)), (0, 1, XlsCell::FormulaNumber(7.0)), (0, 2, XlsCell::Number(8.0))];
    let bytes = compound(&[("Workbook", &xls_writer::stream(&cells, &[], true, &[]))]);
    assert_eq!(rows(&bytes).unwrap(), [(1, vec![Cell::DateTime(day()), Cell::Number(7.0), Cell::Number(8.0)])]);
    assert_eq!(book(&bytes).unwrap().date_system(), DateSystem::From1904);
}

#[test]
fn xlsx_dates_from_1904() {
    let mut members = xlsx_members(r#"<row r="1"><c r="A1" s="1"><v>44259</v></c><c r="B1"><v>44259</v></c></row>"#);
    members[2].1 = WORKBOOK.replace("<workbookPr/>", r#"<workbookPr date1904="1"/>"#).into();
    members.push((
        "xl/styles.xml",
        br#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#.to_vec(),
    ));
    let bytes = zip_owned(&members);
    assert_eq!(rows(&bytes).unwrap(), [(1, vec![Cell::DateTime(day()), Cell::Number(44_259.0)])]);
    assert_eq!(book(&bytes).unwrap().date_system(), DateSystem::From1904);
}

#[test]
fn ods_with_repeats_hidden_tables_and_annotations() {
    let bytes = ods(
        r#"<table:table table:name="Hidden" table:style-name="ta2"><table:table-row><table:table-cell/></table:table-row></table:table>
        <table:table table:name="Policies" table:style-name="ta1">
        <table:table-column table:number-columns-repeated="16384"/>
        <table:table-row><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-header-rows><table:table-row><table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation><text:p>Policy<text:s/>No.</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Name</text:p></table:table-cell></table:table-row></table:table-header-rows>
        <table:table-row><table:table-cell office:value-type="string"><text:p>P-<text:span>1</text:span></text:p></table:table-cell><table:table-cell office:value-type="string" office:string-value="Zo&#xEB; ₹"/><table:table-cell office:value-type="currency" office:value="1234.5"><text:p>₹ 1,234.50</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2025-03-05"><text:p>05/03/25</text:p></table:table-cell><table:table-cell office:value-type="boolean" office:boolean-value="true"/><table:table-cell table:formula="of:=[.A9]" office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16378"/></table:table-row>
        <table:table-row/>
        <table:table-row table:number-rows-repeated="2"><table:covered-table-cell/><table:table-cell office:value-type="string"><text:p>Last</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        </table:table>"#,
    );
    let mut book = book(&bytes).unwrap();
    assert_eq!(book.kind(), BookKind::Ods);
    assert_eq!(book.sheets().iter().map(|sheet| sheet.visible).collect::<Vec<_>>(), [false, true]);
    let mut wanted = expected();
    wanted.push((6, vec![Cell::Empty, text("Last")]));
    assert_eq!(rows_after(&mut book, "Policies", 0).unwrap(), wanted);
    assert_eq!(rows_after(&mut book, "policies ", 5).unwrap(), wanted[3..]);
}

#[test]
fn the_sheet_with_a_header_is_found_behind_titles_and_other_sheets() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Read me").unwrap().write(0, 0, "Fill in the next sheet").unwrap();
    let hidden = workbook.add_worksheet().set_name("Old").unwrap().set_hidden(true);
    let headers = ["Policy No.", "Customer Name", "Policy Type", "Premium (₹)", "Start Date", "End Date"];
    hidden.write_row(0, 0, headers).unwrap();
    let sheet = workbook.add_worksheet().set_name("March").unwrap();
    sheet.write(0, 0, "Renewals due in March").unwrap();
    sheet.write_row(3, 1, headers).unwrap();
    sheet.write_row(4, 1, ["P-1"]).unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let mut book = book(&bytes).unwrap();
    let table = book.find_table(None, None).unwrap();
    assert_eq!((table.sheet.as_str(), table.header_row), ("March", 4));
    assert_eq!(table.layout.place(Column::Premium), Some(4));
    assert_eq!(book.find_table(Some("old"), None).unwrap().header_row, 1);
    assert_eq!(book.table_at(Some("march"), 4, None).unwrap(), table);
    for row in [1, 3, 5, 90] {
        assert!(matches!(book.table_at(Some("March"), row, None), Err(SheetError::Header { .. })), "{row}");
    }
    assert_eq!(rows_after(&mut book, &table.sheet, table.header_row).unwrap(), [(5, vec![Cell::Empty, text("P-1")])]);
    assert!(matches!(book.find_table(Some("April"), None), Err(SheetError::NoSuchSheet(_))));
    let saved = Mapping::from_pairs([("Ref".to_owned(), Column::PolicyNumber)]);
    let error = book.find_table(None, Some(&saved)).unwrap_err();
    assert!(error.to_string().contains("the mapping names headers that are not there: \"Ref\""), "{error}");
}

#[test]
fn a_file_without_usable_headers_says_so_in_one_line() {
    let error = book(b"Policy No,Premium\n1,2\n").unwrap().find_table(None, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sheet \"CSV\": no column for Policy Type, Start Date, End Date, Customer Name; headers seen: Policy No, Premium"
    );
    assert!(matches!(book(b"\n\n").unwrap().find_table(None, None), Err(SheetError::NoRows)));
    assert!(matches!(book(&xlsx("")).unwrap().find_table(None, None), Err(SheetError::NoRows)));
}

#[test]
fn reading_stops_when_the_caller_has_seen_enough() {
    use std::ops::ControlFlow;
    for bytes in [
        xls(&xls_cells(), &["", ""]),
        b"a\nb\nc\n".to_vec(),
        xlsx(r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#),
    ] {
        let mut book = book(&bytes).unwrap();
        let sheet = book.sheets()[0].name.clone();
        let mut seen = 0;
        book.for_each_row(&sheet, 0, |_, _| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(seen, 1);
    }
}
