//! A writer of small .xlsb workbooks (MS-XLSB), for tests.

use super::support::zip;

/// One record: type and length in seven-bit bytes.
pub(super) fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = seven_bit(usize::from(kind));
    bytes.extend(seven_bit(body.len()));
    bytes.extend(body);
    bytes
}

fn seven_bit(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7F).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [&u32::try_from(text.encode_utf16().count()).unwrap().to_le_bytes()[..], &units].concat()
}

/// What a test puts into a cell.
pub(super) enum XlsbCell<'a> {
    Text(&'a str),
    Shared(u32),
    Number(f64),
    Date(f64),
    Bool(bool),
    Error(u8),
}

fn cell(column: u32, cell: &XlsbCell<'_>) -> Vec<u8> {
    let (kind, format, body) = match cell {
        XlsbCell::Text(text) => (6, 0u32, wide(text)),
        XlsbCell::Shared(place) => (7, 0, place.to_le_bytes().to_vec()),
        XlsbCell::Number(number) => (5, 0, number.to_le_bytes().to_vec()),
        XlsbCell::Date(number) => (5, 1, number.to_le_bytes().to_vec()),
        XlsbCell::Bool(value) => (4, 0, vec![u8::from(*value)]),
        XlsbCell::Error(code) => (3, 0, vec![*code]),
    };
    record(kind, &[&column.to_le_bytes()[..], &format.to_le_bytes(), &body].concat())
}

/// The records of a sheet.
pub(super) fn sheet(rows: &[(u32, Vec<(u32, XlsbCell<'_>)>)]) -> Vec<u8> {
    let rows = rows.iter().flat_map(|(row, cells)| {
        let head = record(0, &[&row.to_le_bytes()[..], &[0; 21]].concat());
        [head, cells.iter().flat_map(|(column, value)| cell(*column, value)).collect()].concat()
    });
    let rows: Vec<u8> = rows.collect();
    [record(0x81, &[]), record(0x94, &[0; 16]), record(0x91, &[]), rows, record(0x92, &[]), record(0x82, &[])].concat()
}

/// A whole .xlsb file around one sheet's records.
pub(super) fn xlsb(sheet: &[u8], shared: &[&str]) -> Vec<u8> {
    let types = br#"<Types><Override PartName="/xl/workbook.bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>"#;
    let rels = br#"<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.bin"/></Relationships>"#;
    let bundle = [&0u32.to_le_bytes()[..], &1u32.to_le_bytes(), &wide("rId1"), &wide("Policies")].concat();
    let workbook = [
        record(0x83, &[]),
        record(0x99, &[0; 12]),
        record(0x8F, &[]),
        record(0x9C, &bundle),
        record(0x90, &[]),
        record(0x84, &[]),
    ]
    .concat();
    let xf = |format: u16| record(0x2F, &[&[0, 0][..], &format.to_le_bytes(), &[0; 12]].concat());
    let styles = [record(0x269, &2u32.to_le_bytes()), xf(0), xf(14), record(0x26A, &[])].concat();
    let count = u32::try_from(shared.len()).unwrap().to_le_bytes();
    let items: Vec<u8> = shared.iter().flat_map(|text| record(0x13, &[&[0][..], &wide(text)].concat())).collect();
    let strings = [record(0x9F, &[count, count].concat()), items, record(0xA0, &[])].concat();
    zip(&[
        ("[Content_Types].xml", types),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", rels),
        ("xl/styles.bin", &styles),
        ("xl/sharedStrings.bin", &strings),
        ("xl/worksheets/sheet1.bin", sheet),
    ])
}
