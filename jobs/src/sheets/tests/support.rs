//! Makes files to read, and reads them.

use crate::sheets::{Book, Limits, SheetError, open};
use domain::upload::Cell;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use tempfile::NamedTempFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(super) fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}

pub(super) fn book(bytes: &[u8]) -> Result<Book, SheetError> {
    open(file(bytes).path(), &Limits::default())
}

pub(super) type Rows = Vec<(u32, Vec<Cell>)>;

/// Every row of a sheet after `after`, blank texts as blank cells.
pub(super) fn rows_after(book: &mut Book, sheet: &str, after: u32) -> Result<Rows, SheetError> {
    let mut rows = Vec::new();
    book.for_each_row(sheet, after, |row, cells| {
        let blank = |cell: &Cell| if cell.is_empty() { Cell::Empty } else { cell.clone() };
        rows.push((row, cells.iter().map(blank).collect()));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Opens the file and reads its first sheet.
pub(super) fn rows(bytes: &[u8]) -> Result<Rows, SheetError> {
    let mut book = book(bytes)?;
    let sheet = book.sheets()[0].name.clone();
    rows_after(&mut book, &sheet, 0)
}

/// Why the file is refused, when it is opened or read.
pub(super) fn refusal(bytes: &[u8]) -> SheetError {
    match rows(bytes) {
        Err(error) => error,
        Ok(rows) => panic!("{} rows were read", rows.len()),
    }
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
pub(super) const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr/><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;

/// The members of a small .xlsx around one sheet's `sheetData`.
pub(super) fn xlsx_members(sheet_data: &str) -> Vec<(&'static str, Vec<u8>)> {
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{sheet_data}</sheetData></worksheet>"#
    );
    vec![
        ("[Content_Types].xml", TYPES.into()),
        ("_rels/.rels", RELS.into()),
        ("xl/workbook.xml", WORKBOOK.into()),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELS.into()),
        ("xl/worksheets/sheet1.xml", sheet.into()),
    ]
}

pub(super) fn zip_owned(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip(&members.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect::<Vec<_>>())
}

pub(super) fn xlsx(sheet_data: &str) -> Vec<u8> {
    zip_owned(&xlsx_members(sheet_data))
}

/// A small .ods around the tables of its `office:spreadsheet`.
pub(super) fn ods(tables: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s" xmlns:calcext="c"><office:automatic-styles><style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style><style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"#
    );
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest/>"),
        ("content.xml", content.as_bytes()),
    ])
}

pub(super) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}
