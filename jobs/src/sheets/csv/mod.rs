//! CSV text: encoding and delimiter are found out, then the file is streamed record by record.
//!
//! One pass over the whole file settles the encoding and counts lines before the rows are read; memory is a few
//! buffers. Ragged rows are no fault. Fails on a record over its limit, mostly a quotation mark that is never closed.

mod decode;
mod dialect;
mod input;
mod survey;

use self::decode::Decoder;
use self::dialect::{Dialect, detect};
use self::input::{Input, Progress};
use super::error::SheetError;
use super::limits::Limits;
use super::rows::{CellRef, RowAssembler, RowVisitor};
use super::source::{SheetInfo, Source};
use ::csv::{ByteRecord, ReaderBuilder};
use domain::upload::DateSystem;
use domain::upload::kind::TextEncoding;
use memchr::memchr_iter;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Seek};
use std::ops::ControlFlow;
use std::rc::Rc;

/// What the single sheet of a CSV file is called.
const SHEET_NAME: &str = "CSV";

pub(super) struct CsvSource {
    file: File,
    encoding: TextEncoding,
    dialect: Dialect,
    sheets: [SheetInfo; 1],
    lines: u64,
}

/// Surveys the file; `guess` is the encoding its first bytes promise.
pub(super) fn open(mut file: File, guess: TextEncoding) -> Result<CsvSource, SheetError> {
    file.rewind().map_err(SheetError::Io)?;
    let survey = survey::survey(&mut file, guess).map_err(SheetError::Io)?;
    file.rewind().map_err(SheetError::Io)?;
    let dialect = detect(Decoder::new(&file, survey.encoding)).map_err(SheetError::from_read)?;
    let sheets = [SheetInfo { name: SHEET_NAME.to_owned(), visible: true }];
    Ok(CsvSource { file, encoding: survey.encoding, dialect, sheets, lines: survey.lines })
}

impl Source for CsvSource {
    fn sheets(&self) -> &[SheetInfo] {
        &self.sheets
    }

    fn date_system(&self) -> DateSystem {
        DateSystem::From1900
    }

    fn row_estimate(&self) -> u64 {
        self.lines
    }

    fn for_each_row(
        &mut self,
        _sheet: usize,
        after: u32,
        limits: &Limits,
        visit: &mut RowVisitor<'_>,
    ) -> Result<(), SheetError> {
        const BUFFER: usize = 64 * 1024;
        self.file.rewind().map_err(SheetError::Io)?;
        let mut decoder = Decoder::new(&self.file, self.encoding);
        self.dialect.skip_preamble(&mut decoder).map_err(SheetError::from_read)?;
        let progress = Rc::new(RefCell::new(Progress::new(limits.piece_bytes)));
        let mut reader = ReaderBuilder::new()
            .delimiter(self.dialect.delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(Input::new(decoder, Rc::clone(&progress)));
        let mut assembler = RowAssembler::new(limits, after, visit);
        let mut record = ByteRecord::new();
        let mut row = 0u32;
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(record_error(error, row, limits)),
            }
            let inside = memchr_iter(b'\n', record.as_slice()).count() as u64;
            let number = progress.borrow_mut().record(reader.position(), inside);
            row = u32::try_from(number).unwrap_or(u32::MAX);
            if put_record(&mut assembler, row, &record, limits)?.is_break() {
                return Ok(());
            }
        }
        assembler.finish();
        Ok(())
    }
}

fn put_record(
    assembler: &mut RowAssembler<'_, '_>,
    row: u32,
    record: &ByteRecord,
    limits: &Limits,
) -> Result<ControlFlow<()>, SheetError> {
    if row > limits.rows {
        return Err(SheetError::TooManyRows(limits.rows));
    }
    for (column, field) in (0u32..).zip(record) {
        if field.is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(field);
        if assembler.put(row - 1, column, CellRef::Text(&text))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn record_error(error: ::csv::Error, row: u32, limits: &Limits) -> SheetError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error)
            if error.kind() == io::ErrorKind::FileTooLarge && error.raw_os_error().is_none() =>
        {
            SheetError::RecordTooLong { row, limit: limits.piece_bytes }
        }
        ::csv::ErrorKind::Io(error) => SheetError::from_read(error),
        other => SheetError::Damaged(super::error::one_line(&format!("{other:?}"))),
    }
}
