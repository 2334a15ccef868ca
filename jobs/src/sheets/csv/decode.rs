//! Turns a text file of any known encoding into UTF-8 while it is read.
//!
//! UTF-8 passes as it is (what is not valid in it is found field by field); a byte order mark is dropped. Fails only
//! as the file beneath fails.

use domain::upload::kind::TextEncoding;
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};

const BUFFER: usize = 64 * 1024;

/// Reads UTF-8 out of the file beneath.
pub(super) struct Decoder<R> {
    inner: R,
    /// `None` for UTF-8.
    decoder: Option<encoding_rs::Decoder>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// What of `output` was handed out already.
    given: usize,
    started: bool,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(inner: R, encoding: TextEncoding) -> Self {
        let decoder = match encoding {
            TextEncoding::Utf8 => None,
            TextEncoding::Utf16Le => Some(UTF_16LE.new_decoder_with_bom_removal()),
            TextEncoding::Utf16Be => Some(UTF_16BE.new_decoder_with_bom_removal()),
            TextEncoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
        };
        Self { inner, decoder, input: vec![0; BUFFER], output: Vec::new(), given: 0, started: false, ended: false }
    }

    /// Fills `output` with the next decoded bytes; leaves it empty at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.given = 0;
        while self.output.is_empty() && !self.ended {
            let length = read_some(&mut self.inner, &mut self.input)?;
            self.ended = length == 0;
            let bytes = &self.input[..length];
            match &mut self.decoder {
                None => self.output.extend_from_slice(bytes),
                Some(decoder) => {
                    let most = decoder.max_utf8_buffer_length(length).unwrap_or(BUFFER * 3 + 16);
                    self.output.resize(most, 0);
                    let (_, _, written, _) = decoder.decode_to_utf8(bytes, &mut self.output, self.ended);
                    self.output.truncate(written);
                }
            }
            if !self.started && !self.output.is_empty() {
                self.started = true;
                if self.output.starts_with("\u{feff}".as_bytes()) {
                    self.given = 3;
                    if self.output.len() == 3 {
                        self.output.clear();
                        self.given = 0;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.output.len() {
            self.fill()?;
        }
        let length = buffer.len().min(self.output.len() - self.given);
        buffer[..length].copy_from_slice(&self.output[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

fn read_some(inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], encoding: TextEncoding) -> String {
        let mut text = String::new();
        Decoder::new(bytes, encoding).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_encoding_becomes_utf8_without_its_mark() {
        let text = "Prämie,₹\n".repeat(20_000);
        let wide = |encode: fn(u16) -> [u8; 2]| {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(encode).collect::<Vec<u8>>()
        };
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes(), TextEncoding::Utf8), text);
        assert_eq!(decode(&wide(u16::to_le_bytes), TextEncoding::Utf16Le), text);
        assert_eq!(decode(&wide(u16::to_be_bytes), TextEncoding::Utf16Be), text);
        assert_eq!(decode(&wide(u16::to_be_bytes)[2..], TextEncoding::Utf16Be), text);
        assert_eq!(decode(b"Pr\xe4mie \x80", TextEncoding::Windows1252), "Prämie €");
        assert_eq!(decode("\u{feff}".as_bytes(), TextEncoding::Utf8), "");
    }
}
