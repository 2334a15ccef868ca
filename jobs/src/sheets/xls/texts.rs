//! Texts of BIFF records: code page bytes before Excel 97, Latin-1 or UTF-16 since, cut anywhere by CONTINUE records.
//!
//! Fails on texts that end too early. The table of shared strings has its own limit.

use super::records::{Fields, Records};
use crate::sheets::error::SheetError;
use crate::sheets::limits::Limits;
use encoding_rs::Encoding;
use std::io::{Read, Seek};

/// Which BIFF the workbook is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Biff {
    /// Excel 5 and 95: texts in this code page.
    Five(&'static Encoding),
    /// Excel 97 and later.
    Eight,
}

/// How a text's length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthOf {
    OneByte,
    TwoBytes,
}

/// The encoding of a CODEPAGE record (MS-XLS 2.4.52).
pub(super) fn code_page(number: u16) -> &'static Encoding {
    match number {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10_000 | 32_768 => encoding_rs::MACINTOSH,
        65_001 => encoding_rs::UTF_8,
        _ => encoding_rs::WINDOWS_1252,
    }
}

/// A text inside one record.
pub(super) fn text(fields: &mut Fields<'_>, biff: Biff, length: LengthOf) -> Result<String, SheetError> {
    let count = match length {
        LengthOf::OneByte => usize::from(fields.u8()?),
        LengthOf::TwoBytes => usize::from(fields.u16()?),
    };
    match biff {
        Biff::Five(encoding) => {
            let bytes = fields.take(count.min(fields.left()))?;
            Ok(encoding.decode_without_bom_handling(bytes).0.into_owned())
        }
        Biff::Eight => {
            let wide = fields.u8()? & 1 != 0;
            let mut text = String::new();
            let bytes = fields.take((if wide { count * 2 } else { count }).min(fields.left()))?;
            push_characters(&mut text, bytes, wide);
            Ok(text)
        }
    }
}

fn push_characters(text: &mut String, bytes: &[u8], wide: bool) {
    if wide {
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')));
    } else {
        text.extend(bytes.iter().map(|byte| char::from(*byte)));
    }
}

/// A text of the record at hand from `at` on, and of the CONTINUE records behind it.
pub(super) fn long_text<R: Read + Seek>(records: &mut Records<R>, at: usize, biff: Biff) -> Result<String, SheetError> {
    if let Biff::Five(_) = biff {
        let mut fields = Fields::new(records.body().get(at..).unwrap_or_default());
        return text(&mut fields, biff, LengthOf::TwoBytes);
    }
    let mut cursor = Cursor { records, at };
    let count = usize::from(cursor.u16()?);
    let wide = cursor.u8()? & 1 != 0;
    let mut text = String::new();
    cursor.characters(count, wide, &mut text)?;
    Ok(text)
}

/// The table of shared strings (MS-XLS 2.4.265).
pub(super) fn shared_strings<R: Read + Seek>(
    records: &mut Records<R>,
    limits: &Limits,
) -> Result<Vec<String>, SheetError> {
    let mut cursor = Cursor { records, at: 4 };
    let count = u64::from(cursor.u32()?);
    if count > limits.strings {
        return Err(SheetError::TooManyStrings(limits.strings));
    }
    let mut strings = Vec::new();
    let mut bytes = 0u64;
    for _ in 0..count {
        if cursor.is_at_end()? {
            break;
        }
        let length = usize::from(cursor.u16()?);
        let flags = cursor.u8()?;
        let runs = if flags & 8 != 0 { usize::from(cursor.u16()?) } else { 0 };
        let extended = if flags & 4 != 0 { cursor.u32()? } else { 0 };
        let mut text = String::new();
        cursor.characters(length, flags & 1 != 0, &mut text)?;
        cursor.skip(runs * 4)?;
        cursor.skip(usize::try_from(extended).unwrap_or(usize::MAX))?;
        bytes += text.len() as u64;
        if bytes > limits.strings_bytes {
            return Err(SheetError::TooLarge {
                what: "the table of texts",
                limit: limits.strings_bytes.div_ceil(1 << 20),
            });
        }
        strings.push(text);
    }
    Ok(strings)
}

/// A place in a record and its continuations.
struct Cursor<'r, R> {
    records: &'r mut Records<R>,
    at: usize,
}

impl<R: Read + Seek> Cursor<'_, R> {
    /// Moves into the continuation if the record is used up; true when there is none.
    fn is_at_end(&mut self) -> Result<bool, SheetError> {
        while self.at >= self.records.body().len() {
            if !self.records.next_continues()? {
                return Ok(true);
            }
            self.at = 0;
        }
        Ok(false)
    }

    fn u8(&mut self) -> Result<u8, SheetError> {
        if self.is_at_end()? {
            return Err(SheetError::Damaged("a text ends too early".to_owned()));
        }
        let byte = self.records.body()[self.at];
        self.at += 1;
        Ok(byte)
    }

    fn u16(&mut self) -> Result<u16, SheetError> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn u32(&mut self) -> Result<u32, SheetError> {
        Ok(u32::from_le_bytes([self.u8()?, self.u8()?, self.u8()?, self.u8()?]))
    }

    fn skip(&mut self, mut length: usize) -> Result<(), SheetError> {
        while length > 0 {
            if self.is_at_end()? {
                return Err(SheetError::Damaged("a text ends too early".to_owned()));
            }
            let step = length.min(self.records.body().len() - self.at);
            self.at += step;
            length -= step;
        }
        Ok(())
    }

    /// Characters of a text; where a continuation begins inside it, a byte says anew how wide they are.
    fn characters(&mut self, mut count: usize, mut wide: bool, text: &mut String) -> Result<(), SheetError> {
        while count > 0 {
            if self.at >= self.records.body().len() {
                wide = self.u8()? & 1 != 0;
                continue;
            }
            let size = if wide { 2 } else { 1 };
            let here = count.min((self.records.body().len() - self.at) / size);
            if here == 0 {
                return Err(SheetError::Damaged("a character is cut in two".to_owned()));
            }
            push_characters(text, &self.records.body()[self.at..self.at + here * size], wide);
            self.at += here * size;
            count -= here;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::CONTINUE;
    use super::*;
    use std::io::Cursor as Bytes;

    fn stream(records: &[(u16, &[u8])]) -> Records<Bytes<Vec<u8>>> {
        let mut bytes = Vec::new();
        for (kind, body) in records {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
            bytes.extend(*body);
        }
        let mut records = Records::new(Bytes::new(bytes));
        assert!(records.next().unwrap());
        records
    }

    #[test]
    fn shared_strings_run_over_continuations() {
        let head = [2u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
        // "abcd" cut after two letters and widened, with formatting runs and extended data that are passed over
        let first = [&head[..], &[4, 0, 0x0C, 1, 0, 3, 0, 0, 0], b"ab"].concat();
        let second = [&[1][..], b"c\0d\0", &[9; 4], &[8; 3], &[1, 0, 0], b"x", &[0, 0, 0]].concat();
        let mut records = stream(&[(0xFC, &first), (CONTINUE, &second)]);
        assert_eq!(shared_strings(&mut records, &Limits::default()).unwrap(), ["abcd", "x", ""]);
    }

    #[test]
    fn promises_of_strings_are_bounded() {
        let body = [1u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        let refused = shared_strings(&mut stream(&[(0xFC, &body)]), &Limits::default()).unwrap_err();
        assert!(matches!(refused, SheetError::TooManyStrings(_)));
        let body = [1u32.to_le_bytes(), 5u32.to_le_bytes()].concat();
        assert!(shared_strings(&mut stream(&[(0xFC, &body)]), &Limits::default()).unwrap().is_empty());
    }

    #[test]
    fn old_texts_are_in_their_code_page() {
        let mut fields = Fields::new(&[4, b'c', b'a', b'f', 0xE9]);
        assert_eq!(text(&mut fields, Biff::Five(code_page(1252)), LengthOf::OneByte).unwrap(), "café");
    }
}
