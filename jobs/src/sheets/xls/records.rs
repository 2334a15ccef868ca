//! The records of a BIFF stream (MS-XLS 2.1.4): type, length, at most 8,224 bytes, and CONTINUE records behind.
//!
//! One record is in memory at a time. Fails on a stream that ends inside a record.

use crate::sheets::error::SheetError;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Continues the record before it (MS-XLS 2.4.58).
pub(super) const CONTINUE: u16 = 0x003C;

/// Reads record by record.
pub(super) struct Records<R> {
    input: BufReader<R>,
    kind: u16,
    body: Vec<u8>,
    /// The header of the next record, when it had to be looked at.
    ahead: Option<(u16, u16)>,
}

fn read_error(error: io::Error) -> SheetError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        SheetError::Damaged("a sheet ends inside a record".to_owned())
    } else {
        SheetError::from_read(error)
    }
}

impl<R: Read + Seek> Records<R> {
    pub(super) fn new(input: R) -> Self {
        const BUFFER: usize = 64 * 1024;
        Self { input: BufReader::with_capacity(BUFFER, input), kind: 0, body: Vec::new(), ahead: None }
    }

    /// Goes on from this place in the stream.
    pub(super) fn seek(&mut self, at: u32) -> Result<(), SheetError> {
        self.ahead = None;
        self.input.seek(SeekFrom::Start(u64::from(at))).map_err(SheetError::from_read)?;
        Ok(())
    }

    /// Moves to the next record; false at the end of the stream.
    pub(super) fn next(&mut self) -> Result<bool, SheetError> {
        let Some((kind, length)) = self.header()? else { return Ok(false) };
        self.ahead = None;
        self.kind = kind;
        self.body.resize(usize::from(length), 0);
        self.input.read_exact(&mut self.body).map_err(read_error)?;
        Ok(true)
    }

    pub(super) fn kind(&self) -> u16 {
        self.kind
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Moves to the next record if it continues this one.
    pub(super) fn next_continues(&mut self) -> Result<bool, SheetError> {
        match self.header()? {
            Some((CONTINUE, _)) => self.next(),
            _ => Ok(false),
        }
    }

    fn header(&mut self) -> Result<Option<(u16, u16)>, SheetError> {
        if self.ahead.is_none() {
            let mut header = [0; 4];
            match self.input.read_exact(&mut header[..1]) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                other => other.map_err(read_error)?,
            }
            self.input.read_exact(&mut header[1..]).map_err(read_error)?;
            let [low, high, length_low, length_high] = header;
            self.ahead = Some((u16::from_le_bytes([low, high]), u16::from_le_bytes([length_low, length_high])));
        }
        Ok(self.ahead)
    }
}

/// Fields of a record's body; what lies beyond its end is a damaged file.
pub(super) struct Fields<'b> {
    bytes: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'b [u8], SheetError> {
        let Some((field, rest)) = self.bytes.split_at_checked(length) else {
            return Err(SheetError::Damaged("a record is too short".to_owned()));
        };
        self.bytes = rest;
        Ok(field)
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn u8(&mut self) -> Result<u8, SheetError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, SheetError> {
        let field = self.take(2)?;
        Ok(u16::from_le_bytes([field[0], field[1]]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, SheetError> {
        let field = self.take(4)?;
        Ok(u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
    }

    pub(super) fn f64(&mut self) -> Result<f64, SheetError> {
        let field = self.take(8)?;
        Ok(field.try_into().map(f64::from_le_bytes).unwrap_or_default())
    }
}
