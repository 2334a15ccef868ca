//! Walks over the raw records of an .xlsb part before the parser sees it (MS-XLSB 2.1.4: type, length, body).
//!
//! The parser sets aside as many bytes as a record's length promises; this walk refuses lengths over the limit, and too
//! many shared strings. It keeps no body, so its memory is constant. What is merely malformed passes.

use super::error::SheetError;
use super::limits::Limits;

/// `BrtRowHdr` (MS-XLSB 2.4.741).
const ROW_HEADER: u16 = 0;
/// `BrtSSTItem` (MS-XLSB 2.4.763).
const STRING_ITEM: u16 = 0x13;

#[derive(Debug, Clone, Copy)]
enum State {
    /// Reading the type, its first byte in hand if it has two.
    Type(Option<u8>),
    /// Reading the length: bytes of it so far, and its value.
    Length { kind: u16, bytes: u32, value: usize },
    /// So many bytes of the body are to come.
    Body(usize),
}

/// The walk over one part; bytes are pushed as they are inflated.
pub(super) struct RecordGuard<'l> {
    limits: &'l Limits,
    state: State,
    rows: u64,
    strings: u64,
}

impl<'l> RecordGuard<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, state: State::Type(None), rows: 0, strings: 0 }
    }

    /// Row headers so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next bytes of the part.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), SheetError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.state = match self.state {
                State::Body(left) => {
                    let walked = left.min(bytes.len());
                    bytes = &bytes[walked..];
                    self.state = if left == walked { State::Type(None) } else { State::Body(left - walked) };
                    continue;
                }
                State::Type(None) if byte & 0x80 != 0 => State::Type(Some(byte & 0x7F)),
                State::Type(None) => State::Length { kind: u16::from(byte), bytes: 0, value: 0 },
                State::Type(Some(low)) => {
                    State::Length { kind: u16::from(low) | u16::from(byte & 0x7F) << 7, bytes: 0, value: 0 }
                }
                State::Length { kind, bytes, value } => self.length(kind, bytes, value, byte)?,
            };
            bytes = rest;
        }
        Ok(())
    }

    fn length(&mut self, kind: u16, bytes: u32, value: usize, byte: u8) -> Result<State, SheetError> {
        let value = value | usize::from(byte & 0x7F) << (7 * bytes);
        if byte & 0x80 != 0 && bytes < 3 {
            return Ok(State::Length { kind, bytes: bytes + 1, value });
        }
        if value > self.limits.piece_bytes {
            return Err(SheetError::Damaged("a record is too long".to_owned()));
        }
        self.rows += u64::from(kind == ROW_HEADER);
        self.strings += u64::from(kind == STRING_ITEM);
        if self.strings > self.limits.strings {
            return Err(SheetError::TooManyStrings(self.limits.strings));
        }
        Ok(if value == 0 { State::Type(None) } else { State::Body(value) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8], step: usize) -> Result<u64, SheetError> {
        let limits = Limits { piece_bytes: 200, strings: 1, ..Limits::default() };
        let mut guard = RecordGuard::new(&limits);
        for bytes in bytes.chunks(step) {
            guard.push(bytes)?;
        }
        Ok(guard.rows())
    }

    #[test]
    fn records_are_followed_however_the_bytes_arrive() {
        let mut bytes = vec![0, 3, 9, 9, 9, 0x93, 0x01, 0, 0, 0x80, 0x01];
        bytes.extend([0u8; 128]);
        bytes.extend([0, 0, 0x13, 0]);
        for step in [1, 2, 5, 1000] {
            assert_eq!(walk(&bytes, step).unwrap(), 3, "{step}");
        }
    }

    #[test]
    fn lengths_and_strings_are_bounded() {
        assert!(matches!(walk(&[0x05, 0xFF, 0xFF, 0xFF, 0x7F], 1), Err(SheetError::Damaged(_))));
        assert!(matches!(walk(&[0x13, 0, 0x13, 0], 9), Err(SheetError::TooManyStrings(1))));
    }
}
