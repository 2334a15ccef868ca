//! Stands between the text and the CSV parser: keeps records within bounds, and tells which row each one is.
//!
//! The parser passes over blank lines in silence, and leaves the second half of a CR LF to the next record; a sheet
//! counts every line. So the row is worked out from the lines the parser has passed and the last byte it took. Fails
//! once a record is longer than allowed, so that one quotation mark that is never closed cannot fill the memory.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

/// What is known of the bytes that were handed to the parser.
pub(super) struct Progress {
    limit: usize,
    since_record: usize,
    /// The bytes handed over last, and where they begin.
    piece: Vec<u8>,
    piece_start: u64,
    last_before: u8,
    /// Line ends inside the records so far.
    inside: u64,
    row: u64,
}

impl Progress {
    /// Allows records of up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, since_record: 0, piece: Vec::new(), piece_start: 0, last_before: 0, inside: 0, row: 0 }
    }

    /// The row of the record that ends at `end` and holds `inside` line ends.
    pub(super) fn record(&mut self, end: &csv::Position, inside: u64) -> u64 {
        self.since_record = 0;
        self.inside += inside;
        let passed = (end.line() - 1).saturating_sub(self.inside);
        let own_end_is_passed = self.byte_before(end.byte()) == b'\n';
        let row = if own_end_is_passed { passed } else { passed + 1 };
        // files of old Macintoshes end lines with CR alone, which is not counted
        self.row = row.max(self.row + 1);
        self.row
    }

    /// The byte before this place, which the parser took last.
    fn byte_before(&self, at: u64) -> u8 {
        match at.checked_sub(self.piece_start + 1) {
            Some(place) => usize::try_from(place).ok().and_then(|place| self.piece.get(place)).copied().unwrap_or(0),
            None => self.last_before,
        }
    }

    fn hand_over(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.piece_start += self.piece.len() as u64;
        self.last_before = self.piece.last().copied().unwrap_or(self.last_before);
        self.piece.clear();
        self.piece.extend_from_slice(bytes);
        self.since_record += bytes.len();
        // the piece before may belong to records that are already told
        if self.since_record > self.limit + bytes.len() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(())
    }
}

/// The text on its way to the parser.
pub(super) struct Input<R> {
    inner: R,
    progress: Rc<RefCell<Progress>>,
}

impl<R> Input<R> {
    pub(super) fn new(inner: R, progress: Rc<RefCell<Progress>>) -> Self {
        Self { inner, progress }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.progress.borrow_mut().hand_over(&buffer[..length])?;
        Ok(length)
    }
}
