//! CSV in the shapes spreadsheet programs and people write it.

use super::support::*;
use crate::sheets::{BookKind, Limits, SheetError, open};
use domain::upload::Cell;

fn cells(row: &[&str]) -> Vec<Cell> {
    row.iter().map(|field| if field.is_empty() { Cell::Empty } else { text(field) }).collect()
}

#[test]
fn rows_have_the_numbers_a_sheet_would_show() {
    for end in ["\n", "\r\n"] {
        let lines = ["a,b", "", "\"c,\"\"\"\"\nx\",d,e", "", "", "f"].join(end);
        let wanted = [(1, cells(&["a", "b"])), (3, cells(&["c,\"\"\nx", "d", "e"])), (6, cells(&["f"]))];
        assert_eq!(rows(lines.as_bytes()).unwrap(), wanted, "{end:?}");
        assert_eq!(rows(format!("{lines}{end}{end}").as_bytes()).unwrap(), wanted, "{end:?}");
    }
}

#[test]
fn leading_blank_lines_count() {
    for end in ["\n", "\r\n"] {
        let found = rows(format!("{end}{end}a{end}b{end}").as_bytes()).unwrap();
        assert_eq!(found.iter().map(|row| row.0).collect::<Vec<_>>(), [3, 4], "{end:?}");
    }
}

#[test]
fn every_encoding_reads_the_same() {
    let content = "Policy No;Name\nP-1;José €\n";
    let wide = |mark: &str, encode: fn(u16) -> [u8; 2]| {
        format!("{mark}{content}").encode_utf16().flat_map(encode).collect::<Vec<u8>>()
    };
    let files = [
        content.as_bytes().to_vec(),
        format!("\u{feff}{content}").into_bytes(),
        wide("\u{feff}", u16::to_le_bytes),
        wide("\u{feff}", u16::to_be_bytes),
        wide("", u16::to_le_bytes),
        wide("", u16::to_be_bytes),
        b"Policy No;Name\nP-1;Jos\xe9 \x80\n".to_vec(),
        format!("sep=;\r\n{content}").into_bytes(),
    ];
    for bytes in files {
        let wanted = [(1, cells(&["Policy No", "Name"])), (2, cells(&["P-1", "José €"]))];
        assert_eq!(rows(&bytes).unwrap(), wanted, "{bytes:?}");
    }
}

#[test]
fn an_accent_far_behind_settles_the_encoding() {
    let mut bytes = b"Policy No,Name\n".to_vec();
    for _ in 0..20_000 {
        bytes.extend(b"P-1,Jose\n");
    }
    bytes.extend(b"P-2,Jos\xe9\n");
    assert_eq!(rows(&bytes).unwrap().last().unwrap().1, cells(&["P-2", "José"]));
}

#[test]
fn ragged_rows_and_stray_quotes_are_read() {
    let found = rows(b"a,b\n1\n1,2,3\n5\" pipe,x\n").unwrap();
    assert_eq!(found[1].1, cells(&["1"]));
    assert_eq!(found[2].1, cells(&["1", "2", "3"]));
    assert_eq!(found[3].1, cells(&["5\" pipe", "x"]));
}

#[test]
fn reading_goes_on_after_a_row() {
    let bytes = "a,b\n".repeat(1000);
    let mut book = book(bytes.as_bytes()).unwrap();
    assert_eq!((book.kind(), book.row_estimate()), (BookKind::Csv, 1000));
    assert_eq!(rows_after(&mut book, "CSV", 990).unwrap().first().unwrap().0, 991);
    assert_eq!(rows_after(&mut book, "CSV", 1000).unwrap().len(), 0);
    assert_eq!(rows_after(&mut book, "CSV", 0).unwrap().len(), 1000);
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_refused() {
    let limits = Limits { piece_bytes: 100_000, ..Limits::default() };
    let bytes = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(1_000_000));
    let file = file(bytes.as_bytes());
    let mut book = open(file.path(), &limits).unwrap();
    let error = rows_after(&mut book, "CSV", 0).unwrap_err();
    assert!(matches!(error, SheetError::RecordTooLong { row: 1, limit: 100_000 }), "{error:?}");
    assert!(open(file.path(), &limits).unwrap().find_table(None, None).is_err());
}

#[test]
fn fields_and_columns_have_limits() {
    let long = format!("a,{}\n", "x".repeat(32_768));
    assert!(matches!(refusal(long.as_bytes()), SheetError::CellTooLong { row: 1, limit: 32_767 }));
    let wide = format!("a\n{}x\n", ",".repeat(600));
    assert!(matches!(refusal(wide.as_bytes()), SheetError::TooManyColumns { row: 2, limit: 512 }));
    assert!(rows(format!("a\n{}\n", ",".repeat(600)).as_bytes()).is_ok());
    let limits = Limits { rows: 10, ..Limits::default() };
    let mut book = open(file("a\n".repeat(11).as_bytes()).path(), &limits).unwrap();
    assert!(matches!(rows_after(&mut book, "CSV", 0), Err(SheetError::TooManyRows(10))));
}

#[test]
fn zero_bytes_reach_the_rules_as_they_are() {
    let mut bytes = "a,b\n".repeat(20_000).into_bytes();
    bytes.extend(b"x\0y,b\n");
    assert_eq!(rows(&bytes).unwrap().last().unwrap().1, cells(&["x\0y", "b"]));
}
