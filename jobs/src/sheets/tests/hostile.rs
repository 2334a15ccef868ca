//! Files made to do harm: each is refused with a clear error, quickly and without memory.

use super::compound_writer::compound;
use super::support::*;
use super::xls_writer::{XlsCell, record, stream, xls};
use super::xlsb_writer::{XlsbCell, record as xlsb_record, sheet, xlsb};
use crate::sheets::{Limits, SheetError, open};
use std::io::Write;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// The most memory this process has had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A deflate stream of `start` and then `length` bytes of `piece` over and over: one block is compressed and its
/// bytes are repeated, so that gigabytes cost nothing to make.
fn deflated(start: &[u8], piece: &[u8], length: usize) -> Vec<u8> {
    const BLOCK: usize = 1 << 20;
    let block = |bytes: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.flush().unwrap();
        encoder.get_ref().clone()
    };
    let repeated = block(&piece.repeat(BLOCK / piece.len()));
    let mut bytes = block(start);
    for _ in 0..length / BLOCK {
        bytes.extend(&repeated);
    }
    // an empty last block
    bytes.extend([3, 0]);
    bytes
}

/// A workbook whose sheet inflates to `start` and `length` bytes of `piece`; only its checksum is wrong.
fn large_sheet(start: &[u8], piece: &[u8], length: usize) -> NamedTempFile {
    let name = b"xl/worksheets/sheet1.xml";
    let stream = deflated(start, piece, length);
    let small = zip_owned(&xlsx_members("")[..4]);
    let end = small.len() - 22;
    let directory = usize::try_from(u32::from_le_bytes(small[end + 16..end + 20].try_into().unwrap())).unwrap();
    let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let common = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &size(stream.len()),
        &size(length),
        &[u8::try_from(name.len()).unwrap(), 0, 0, 0],
    ]
    .concat();
    let local = [&b"PK\x03\x04"[..], &common, name, &stream].concat();
    let central = [&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &size(directory), name].concat();
    let mut tail = small[end..].to_vec();
    tail[8..12].copy_from_slice(&[5, 0, 5, 0]);
    tail[12..16].copy_from_slice(&size(end - directory + central.len()));
    tail[16..20].copy_from_slice(&size(directory + local.len()));
    file(&[&small[..directory], &local, &small[directory..end], &central, &tail].concat())
}

/// Markup with much white space behind it, which an unoptimised build is done with sooner.
fn padded(markup: &str) -> Vec<u8> {
    format!("{markup}{}", " ".repeat(500)).into_bytes()
}

/// The refusal, which must come without time and memory being spent.
fn refused_cheaply(file: &NamedTempFile, limits: &Limits) -> SheetError {
    // other tests run beside this one in the same process
    const MOST_KIB: u64 = 256 * 1024;
    const LONGEST: Duration = Duration::from_secs(60);
    let (before, start) = (peak_memory(), Instant::now());
    let error = open(file.path(), limits).err().expect("refused");
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < MOST_KIB, "{grown} KiB");
    error
}

#[test]
fn a_zip_bomb() {
    let file = large_sheet(b"<worksheet><sheetData>", &padded("<row/>"), 300 << 20);
    assert!(file.as_file().metadata().unwrap().len() < 2 << 20);
    assert!(matches!(refused_cheaply(&file, &Limits::default()), SheetError::Bomb(200)));
}

#[test]
fn a_sheet_of_two_gigabytes_is_refused_without_its_weight_in_memory() {
    let file = large_sheet(b"<worksheet><sheetData>", &padded("<row r='1'></row>"), 2 << 30);
    assert!(matches!(refused_cheaply(&file, &Limits::default()), SheetError::Bomb(_)));
    // the size alone stops it too, when its ratio would pass
    let limits = Limits { ratio: u64::MAX, sheet_bytes: 48 << 20, ..Limits::default() };
    let error = refused_cheaply(&file, &limits);
    assert_eq!(error.to_string(), "a sheet is larger than 48 MiB when unpacked; split the book into several files");
    let limits = Limits { ratio: u64::MAX, total_bytes: 48 << 20, ..Limits::default() };
    assert!(matches!(refused_cheaply(&file, &limits), SheetError::TooLarge { what: "the workbook", limit: 48 }));
}

#[test]
fn one_endless_text_or_tag_is_refused_before_it_is_buffered() {
    for (start, piece) in
        [(&b"<worksheet>"[..], &b"x"[..]), (b"<worksheet a=\"", b"y"), (b"<!--", b"-"), (b"<?x ", b" ")]
    {
        let error = refused_cheaply(&large_sheet(start, piece, 8 << 20), &Limits::default());
        assert!(matches!(error, SheetError::Damaged(_)), "{error:?}");
    }
}

#[test]
fn members_that_lie_over_each_other() {
    let mut bytes = xlsx(r#"<row r="1"><c r="A1"><v>1</v></c></row>"#);
    // the directory's last entry claims as many compressed bytes as there are
    let entry = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[entry + 20..entry + 24].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(refusal(&bytes), SheetError::Bomb(_) | SheetError::Damaged(_)));
}

#[test]
fn a_truncated_zip() {
    let whole = xlsx(r#"<row r="1"><c r="A1"><v>1</v></c></row>"#);
    for length in [5, 30, 200, whole.len() / 2, whole.len() - 1] {
        let error = refusal(&whole[..length]);
        assert!(matches!(error, SheetError::Damaged(_)), "{length} {error:?}");
    }
    let mut flipped = whole.clone();
    let name = b"xl/worksheets/sheet1.xml";
    let data = flipped.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    flipped[data + 40] ^= 0xFF;
    assert!(rows(&flipped).is_err());
}

#[test]
fn billion_laughs() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]><sst><si><t>&lol2;</t></si></sst>"#;
    for (place, name) in [(2, "xl/workbook.xml"), (4, "xl/worksheets/sheet1.xml"), (9, "xl/sharedStrings.xml")] {
        let mut members = xlsx_members("");
        if place < members.len() {
            members[place] = (name, laughs.into());
        } else {
            members.push((name, laughs.into()));
        }
        assert!(matches!(refusal(&zip_owned(&members)), SheetError::Doctype), "{name}");
    }
    let utf16: Vec<u8> = format!("\u{feff}{laughs}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut members = xlsx_members("");
    members[4].1 = utf16;
    assert!(matches!(refusal(&zip_owned(&members)), SheetError::XmlEncoding));
    let content = format!("{laughs}<office:spreadsheet/>");
    let bytes =
        zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_bytes())]);
    assert!(matches!(refusal(&bytes), SheetError::Doctype));
}

#[test]
fn a_sheet_of_16384_columns() {
    let cells: String = (0..16_384).map(|_| "<c><v>1</v></c>").collect();
    let error = refusal(&xlsx(&format!("<row>{cells}</row>")));
    assert_eq!(
        error.to_string(),
        "the sheet uses more than 512 columns (row 1); remove the columns that are not needed"
    );
    let blank: String = (0..16_384).map(|_| "<c s=\"1\"/>").collect();
    assert!(rows(&xlsx(&format!("<row>{blank}</row>"))).is_ok(), "formatted cells alone are not used columns");
    let bytes = ods(
        r#"<table:table table:name="A"><table:table-row><table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="16384"/></table:table-row></table:table>"#,
    );
    assert!(matches!(refusal(&bytes), SheetError::TooManyColumns { row: 1, limit: 512 }));
    assert!(matches!(refusal(&xls(&[(0, 600, XlsCell::Number(1.0))], &[])), SheetError::TooManyColumns { .. }));
    let bytes = xlsb(&sheet(&[(0, vec![(16_383, XlsbCell::Number(1.0))])]), &[]);
    assert!(matches!(refusal(&bytes), SheetError::TooManyColumns { .. }));
}

#[test]
fn rows_and_repeats_have_limits() {
    let bytes = ods(
        r#"<table:table table:name="A"><table:table-row table:number-rows-repeated="4000000000"><table:table-cell office:value-type="float" office:value="1"/></table:table-row></table:table>"#,
    );
    let mut book = book(&bytes).unwrap();
    let mut count = 0u32;
    let error = book.for_each_row("A", 0, |_, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    });
    assert!(matches!(error, Err(SheetError::TooManyRows(2_000_000))) && count == 2_000_000);
    assert!(matches!(
        refusal(&xlsx(r#"<row r="3000000"><c r="A3000000"><v>1</v></c></row>"#)),
        SheetError::TooManyRows(_)
    ));
    let backwards = r#"<row r="5"><c r="A5"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#;
    assert!(matches!(refusal(&xlsx(backwards)), SheetError::Damaged(_)));
    for reference in ["A99999999999999999999", "ZZZZZZZZZZZZZZZ1", "", "1", "A0", "Ä1"] {
        assert!(rows(&xlsx(&format!(r#"<row r="1"><c r="{reference}"><v>1</v></c></row>"#))).is_err(), "{reference}");
    }
}

#[test]
fn promises_of_strings_are_not_believed() {
    let mut members = xlsx_members("");
    members.push(("xl/sharedStrings.xml", br#"<sst uniqueCount="99999999999999"></sst>"#.to_vec()));
    assert!(matches!(refusal(&zip_owned(&members)), SheetError::TooManyStrings(_)));
    let mut dimensions = stream(&[(0, 0, XlsCell::Number(1.0))], &[], false, &[]);
    let end = dimensions.len() - 4;
    dimensions.truncate(end);
    dimensions.extend(record(0x0200, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0]));
    dimensions.extend(record(0x000A, &[]));
    assert_eq!(rows(&compound(&[("Workbook", &dimensions)])).unwrap().len(), 1);
}

#[test]
fn a_record_that_promises_a_quarter_of_a_gigabyte() {
    let bytes = xlsb(&[&xlsb_record(0x81, &[])[..], &[0x05, 0xFF, 0xFF, 0xFF, 0x7F]].concat(), &[]);
    assert!(matches!(refusal(&bytes), SheetError::Damaged(_)));
}

#[test]
fn macros() {
    let mut members = xlsx_members("");
    members.push(("xl/vbaProject.bin", b"x".to_vec()));
    let error = refusal(&zip_owned(&members));
    assert_eq!(error.to_string(), "the workbook contains macros; save it as .xlsx without macros and upload it again");
    let mut members = xlsx_members("");
    members[0].1 = b"<Types ContentType='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/>".to_vec();
    assert!(matches!(refusal(&zip_owned(&members)), SheetError::Macros));
    let workbook = stream(&[], &[], false, &[]);
    assert!(matches!(refusal(&compound(&[("Workbook", &workbook), ("_VBA_PROJECT_CUR", b"")])), SheetError::Macros));
}

#[test]
fn passwords() {
    let error = refusal(&compound(&[("EncryptionInfo", b"x"), ("EncryptedPackage", b"y")]));
    assert_eq!(error.to_string(), "the workbook is protected by a password; save it without one and upload it again");
    let old = stream(&[], &[], false, &record(0x002F, &[1, 0, 1, 0]));
    assert!(matches!(refusal(&compound(&[("Workbook", &old)])), SheetError::Password));
    let bytes = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:encryption-data/>"),
        ("content.xml", b"\x00\x01"),
    ]);
    assert!(matches!(refusal(&bytes), SheetError::Password));
}

#[test]
fn programs_and_documents_under_a_workbooks_name() {
    let mut program = b"MZ\x90\0".to_vec();
    program.resize(5000, 0);
    let error = refusal(&program);
    assert_eq!(error.to_string(), "this is a Windows program, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv");
    assert_eq!(refusal(b"").to_string(), "the file is empty");
    for (bytes, what) in [
        (zip(&[("a.txt", b"x")]), "a zip archive"),
        (zip(&[("[Content_Types].xml", b"<x>wordprocessingml.document</x>")]), "a Word document"),
        (zip(&[("mimetype", b"application/epub+zip")]), "an OpenDocument or e-book file of another kind"),
        (compound(&[("WordDocument", b"x")]), "a Word document"),
        (compound(&[("x", b"x")]), "a document of another program"),
    ] {
        assert!(matches!(refusal(&bytes), SheetError::NotAWorkbook(found) if found == what), "{what}");
    }
}

#[test]
fn formulas_are_never_run_and_their_results_are_used() {
    let found = rows(&xlsx(
        r#"<row r="1"><c r="A1" t="str"><f>WEBSERVICE("http://example.com/")</f><v>P-1</v></c><c r="B1"><f t="shared" si="4000000000" ref="B1:B9">1</f></c></row>"#,
    ))
    .unwrap();
    assert_eq!(found[0].1[0], text("P-1"));
    assert!(matches!(&found[0].1[1], domain::upload::Cell::Error(_)));
}

#[test]
fn damaged_compound_files_end_in_an_error() {
    let whole = xls(&[(0, 0, XlsCell::Label("a"))], &[]);
    for length in [9, 511, 512, 700, whole.len() / 2] {
        assert!(rows(&whole[..length]).is_err(), "{length}");
    }
    // every byte of the header, table and directory, turned over
    for at in 24..whole.len() {
        if at < 600 || at % 97 == 0 {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xFF;
            let _ = rows(&bytes);
        }
    }
    // a chain that runs in a circle
    let mut circle = whole.clone();
    let table = whole.len() - 512;
    circle[table..table + 4].copy_from_slice(&0u32.to_le_bytes());
    assert!(matches!(refusal(&circle), SheetError::Damaged(_)));
}
