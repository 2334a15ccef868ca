//! A writer of small .xls workbooks (BIFF8), for tests.

use super::compound_writer::compound;

/// One BIFF record.
pub(super) fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &u16::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn short_text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.encode_utf16().count()).unwrap(), 1][..], &wide(text)].concat()
}

fn long_text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.encode_utf16().count()).unwrap().to_le_bytes()[..], &[1], &wide(text)].concat()
}

/// What a test puts into a cell.
pub(super) enum XlsCell<'a> {
    Shared(u32),
    Label(&'a str),
    Number(f64),
    Date(f64),
    Rk(u32),
    Bool(bool),
    Error(u8),
    FormulaText(&'a str),
    FormulaNumber(f64),
}

fn cell(row: u16, column: u16, cell: &XlsCell<'_>) -> Vec<u8> {
    let head = |format: u16| [row, column, format].iter().flat_map(|part| part.to_le_bytes()).collect::<Vec<u8>>();
    let with = |format: u16, body: &[u8]| [&head(format)[..], body].concat();
    match cell {
        XlsCell::Shared(place) => record(0x00FD, &with(0, &place.to_le_bytes())),
        XlsCell::Label(text) => record(0x0204, &with(0, &long_text(text))),
        XlsCell::Number(number) => record(0x0203, &with(0, &number.to_le_bytes())),
        XlsCell::Date(number) => record(0x0203, &with(1, &number.to_le_bytes())),
        XlsCell::Rk(bits) => record(0x027E, &with(0, &bits.to_le_bytes())),
        XlsCell::Bool(value) => record(0x0205, &with(0, &[u8::from(*value), 0])),
        XlsCell::Error(code) => record(0x0205, &with(0, &[*code, 1])),
        XlsCell::FormulaText(text) => {
            let formula = record(0x0006, &with(0, &[0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0]));
            [formula, record(0x0207, &long_text(text))].concat()
        }
        XlsCell::FormulaNumber(number) => record(0x0006, &with(0, &[&number.to_le_bytes()[..], &[0; 8]].concat())),
    }
}

/// The workbook stream of one sheet; `extra` records stand in its workbook part.
pub(super) fn stream(cells: &[(u16, u16, XlsCell<'_>)], shared: &[&str], date_1904: bool, extra: &[u8]) -> Vec<u8> {
    let bof = |kind: u16| {
        record(0x0809, &[0x0600u16, kind, 0, 0].iter().flat_map(|part| part.to_le_bytes()).collect::<Vec<_>>())
    };
    let xf = |format: u16| record(0x00E0, &[&[0, 0][..], &format.to_le_bytes(), &[0; 16]].concat());
    let count = u32::try_from(shared.len()).unwrap().to_le_bytes();
    let sst = [&count[..], &count, &shared.iter().flat_map(|text| long_text(text)).collect::<Vec<_>>()].concat();
    let format = record(0x041E, &[&200u16.to_le_bytes()[..], &long_text("dd/mm/yyyy")].concat());
    let before =
        [bof(5), extra.to_vec(), record(0x0022, &u16::from(date_1904).to_le_bytes()), format, xf(0), xf(200)].concat();
    let after = [record(0x00FC, &sst), record(0x000A, &[])].concat();
    let name = short_text("Policies");
    let start = before.len() + 4 + 6 + name.len() + after.len();
    let bound = record(0x0085, &[&u32::try_from(start).unwrap().to_le_bytes()[..], &[0, 0], &name].concat());
    let cells: Vec<u8> = cells.iter().flat_map(|(row, column, value)| cell(*row, *column, value)).collect();
    [before, bound, after, bof(16), cells, record(0x000A, &[])].concat()
}

/// A whole .xls file.
pub(super) fn xls(cells: &[(u16, u16, XlsCell<'_>)], shared: &[&str]) -> Vec<u8> {
    compound(&[("Workbook", &stream(cells, shared, false, &[]))])
}
