//! One pass over a whole text file: is it UTF-8 throughout, and how many rows has it?
//!
//! The first bytes of a file may all be ASCII and an accent may follow megabytes later, so the encoding is settled
//! here. The count takes line ends outside quotes: exact for well-formed files, an estimate for others. Fails only as
//! the file fails.

use domain::upload::kind::TextEncoding;
use memchr::memchr2_iter;
use std::io::{self, Read};

/// What the pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) encoding: TextEncoding,
    pub(super) lines: u64,
}

/// Reads to the end; `guess` is what the first bytes promise.
pub(super) fn survey(input: &mut impl Read, guess: TextEncoding) -> io::Result<Survey> {
    const BUFFER: usize = 256 * 1024;
    let mut buffer = vec![0; BUFFER];
    let mut lines = Lines::default();
    let mut utf8 = Utf8Count::default();
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        lines.push(&buffer[..length]);
        if guess == TextEncoding::Utf8 {
            utf8.push(&buffer[..length]);
        }
    }
    let encoding = if guess == TextEncoding::Utf8 && utf8.is_doubtful() { TextEncoding::Windows1252 } else { guess };
    Ok(Survey { encoding, lines: lines.total() })
}

#[derive(Default)]
struct Lines {
    ends: u64,
    in_quotes: bool,
    last: u8,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for at in memchr2_iter(b'\n', b'"', bytes) {
            if bytes[at] == b'"' {
                self.in_quotes = !self.in_quotes;
            } else if !self.in_quotes {
                self.ends += 1;
            }
        }
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    fn total(&self) -> u64 {
        self.ends + u64::from(!matches!(self.last, b'\n' | 0))
    }
}

/// Counts characters beyond ASCII that are valid UTF-8, and bytes that are not.
#[derive(Default)]
struct Utf8Count {
    /// The start of a character that the last buffer cut off.
    cut: Vec<u8>,
    valid: u64,
    invalid: u64,
}

impl Utf8Count {
    fn push(&mut self, bytes: &[u8]) {
        if self.cut.is_empty() {
            self.count(bytes);
        } else {
            let mut whole = std::mem::take(&mut self.cut);
            // a character has at most four bytes; the rest needs no copy
            let (head, tail) = bytes.split_at(bytes.len().min(4));
            whole.extend_from_slice(head);
            self.count(&whole);
            if tail.is_empty() {
                return;
            }
            let cut = std::mem::take(&mut self.cut);
            if cut.is_empty() {
                self.count(tail);
            } else {
                self.count(&[cut.as_slice(), tail].concat());
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            let text = chunk.valid();
            if !text.is_ascii() {
                self.valid += text.bytes().filter(|byte| byte & 0xC0 == 0xC0).count() as u64;
            }
            let invalid = chunk.invalid();
            let at_end = !invalid.is_empty() && invalid.as_ptr_range().end == bytes.as_ptr_range().end;
            if at_end && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none()) {
                self.cut = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.invalid += 1;
            }
        }
    }

    /// More bytes that are no UTF-8 than characters that are.
    fn is_doubtful(&self) -> bool {
        self.invalid + u64::from(!self.cut.is_empty()) > self.valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn the_encoding_is_settled_by_the_whole_file() {
        for step in [1, 2, 3, 5, 100] {
            let of = |bytes: &[u8]| survey(&mut Drip(bytes, step), TextEncoding::Utf8).unwrap().encoding;
            assert_eq!(of("a,₹,é\n".repeat(9).as_bytes()), TextEncoding::Utf8, "{step}");
            assert_eq!(of(b"plain ascii, then caf\xe9\n"), TextEncoding::Windows1252, "{step}");
            assert_eq!(of(b"caf\xe9"), TextEncoding::Windows1252, "{step}");
            assert_eq!(of("₹ ₹ ₹ and one broken \u{e9}".replace('é', "").as_bytes()), TextEncoding::Utf8, "{step}");
            let mut broken = "₹₹₹".as_bytes().to_vec();
            broken.push(0xE9);
            assert_eq!(of(&broken), TextEncoding::Utf8, "{step}");
        }
    }

    #[test]
    fn lines_are_counted_outside_quotes() {
        let lines = |text: &str| survey(&mut text.as_bytes(), TextEncoding::Utf8).unwrap().lines;
        assert_eq!(lines("a\nb\n"), 2);
        assert_eq!(lines("a\nb"), 2);
        assert_eq!(lines("a,\"b\nc\"\nd"), 2);
        assert_eq!(lines(""), 0);
    }
}
