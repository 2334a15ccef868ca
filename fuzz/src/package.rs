//! Turns fuzzed bytes into containers whose checksums are right, so that the fuzzer reaches the parsers inside.

use crate::compound_writer::compound;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Between the parts of an input.
pub const SEPARATOR: &[u8] = b"\xff\xfe--\n";

const TYPES: &[u8] = b"<Types><Override ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/></Types>";
const TYPES_XLSB: &[u8] =
    b"<Types><Override ContentType='application/vnd.ms-excel.sheet.binary.macroEnabled.main'/></Types>";
const RELS: &[u8] = b"<Relationships><Relationship Id='r' Type='x/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>";
const WORKBOOK_RELS: &[u8] =
    b"<Relationships><Relationship Id='r' Type='x/worksheet' Target='worksheets/sheet1.xml'/></Relationships>";
const WORKBOOK_RELS_XLSB: &[u8] =
    b"<Relationships><Relationship Id='r' Type='x/worksheet' Target='worksheets/sheet1.bin'/></Relationships>";
const WORKBOOK: &[u8] = b"<workbook><sheets><sheet name='A' sheetId='1' r:id='r'/></sheets></workbook>";

/// The file an input stands for: its first byte says which, its parts follow.
pub fn file_of(input: &[u8]) -> Vec<u8> {
    let Some((kind, rest)) = input.split_first() else { return Vec::new() };
    let mut parts = parts(rest).into_iter();
    let mut part = |otherwise: &'static [u8]| parts.next().filter(|part| !part.is_empty()).unwrap_or(otherwise);
    match kind % 5 {
        0 => rest.to_vec(),
        1 => zip(&[
            ("xl/worksheets/sheet1.xml", part(b"")),
            ("xl/sharedStrings.xml", part(b"<sst/>")),
            ("xl/styles.xml", part(b"<styleSheet/>")),
            ("xl/workbook.xml", part(WORKBOOK)),
            ("xl/_rels/workbook.xml.rels", part(WORKBOOK_RELS)),
            ("_rels/.rels", part(RELS)),
            ("[Content_Types].xml", part(TYPES)),
        ]),
        2 => zip(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", part(b"")),
            ("META-INF/manifest.xml", part(b"<manifest/>")),
        ]),
        3 => zip(&[
            ("xl/worksheets/sheet1.bin", part(b"")),
            ("xl/sharedStrings.bin", part(b"")),
            ("xl/styles.bin", part(b"")),
            ("xl/workbook.bin", part(b"")),
            ("xl/_rels/workbook.bin.rels", part(WORKBOOK_RELS_XLSB)),
            ("[Content_Types].xml", part(TYPES_XLSB)),
        ]),
        _ => compound(&[("Workbook", part(b""))]),
    }
}

fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + SEPARATOR.len()..];
    }
    parts.push(bytes);
    parts
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let written = zip.start_file(*name, options).is_ok() && zip.write_all(bytes).is_ok();
        assert!(written, "a zip in memory");
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}
