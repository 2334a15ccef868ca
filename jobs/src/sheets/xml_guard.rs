//! Walks over the raw XML of a workbook's part before any parser sees it.
//!
//! A parser buffers whole tags and texts, reserves what a count attribute promises and may expand entities; this walk
//! keeps at most one bounded piece, so nothing in the part can make the parser behind it grow. Fails on document types
//! and entities, on pieces over the limit, on too many shared strings, and on XML in another encoding than UTF-8. What
//! is merely malformed passes: the parser will say so.

use super::error::SheetError;
use super::limits::Limits;
use memchr::memmem;

/// Elements stand no deeper in each other than this; the parser remembers the name of every open one.
const DEPTH: usize = 256;
/// Element names are no longer than this.
const NAME_BYTES: usize = 1024;

/// What the walk counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct XmlCounts {
    /// `row` and `table-row` elements.
    pub(super) rows: u64,
    /// `si` elements.
    strings: u64,
}

/// The walk over one part; bytes are pushed as they are inflated.
pub(super) struct XmlGuard<'l> {
    limits: &'l Limits,
    /// Bytes that do not make a whole piece yet.
    pending: Vec<u8>,
    started: bool,
    depth: usize,
    counts: XmlCounts,
}

impl<'l> XmlGuard<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, pending: Vec::new(), started: false, depth: 0, counts: XmlCounts::default() }
    }

    pub(super) fn counts(&self) -> XmlCounts {
        self.counts
    }

    /// Takes the next bytes of the part.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), SheetError> {
        if !self.started && !bytes.is_empty() {
            self.started = true;
            check_encoding(bytes)?;
        }
        if self.pending.is_empty() {
            let walked = self.walk(bytes)?;
            self.pending.extend_from_slice(&bytes[walked..]);
        } else {
            let mut window = std::mem::take(&mut self.pending);
            window.extend_from_slice(bytes);
            let walked = self.walk(&window)?;
            window.drain(..walked);
            self.pending = window;
        }
        if self.pending.len() > self.limits.piece_bytes {
            return Err(SheetError::Damaged("a piece of its XML has no end".to_owned()));
        }
        Ok(())
    }

    /// Walks over all whole pieces, and answers how many bytes they have.
    fn walk(&mut self, bytes: &[u8]) -> Result<usize, SheetError> {
        let mut at = 0;
        // texts and tags are a few bytes long, so a plain loop beats a vectorised search
        while let Some(open) = bytes[at..].iter().position(|byte| *byte == b'<') {
            at += open;
            let Some(length) = self.markup(&bytes[at..])? else { return Ok(at) };
            if open.max(length) > self.limits.piece_bytes {
                return Err(SheetError::Damaged("a piece of its XML is too long".to_owned()));
            }
            at += length;
        }
        Ok(at)
    }

    /// The length of the markup that starts here; `None` when its end is not there yet.
    fn markup(&mut self, bytes: &[u8]) -> Result<Option<usize>, SheetError> {
        let end_of = |mark: &[u8], from: usize| {
            memmem::find(bytes.get(from..).unwrap_or_default(), mark).map(|found| from + found + mark.len())
        };
        if bytes.starts_with(b"<!--") {
            return Ok(end_of(b"-->", 4));
        }
        if bytes.starts_with(b"<![CDATA[") {
            return Ok(end_of(b"]]>", 9));
        }
        if bytes.starts_with(b"<?") {
            return Ok(end_of(b"?>", 2));
        }
        if bytes.starts_with(b"<!") {
            let undecided = bytes.len() < 9 && (b"<![CDATA[".starts_with(bytes) || b"<!--".starts_with(bytes));
            return if undecided { Ok(None) } else { Err(SheetError::Doctype) };
        }
        let Some(length) = tag_length(bytes) else { return Ok(None) };
        self.tag(&bytes[1..length - 1])?;
        Ok(Some(length))
    }

    /// Counts what must be counted; `tag` is without its angle brackets.
    fn tag(&mut self, tag: &[u8]) -> Result<(), SheetError> {
        if tag.first() == Some(&b'/') {
            self.depth = self.depth.saturating_sub(1);
            return Ok(());
        }
        let ends_name = |byte: &u8| matches!(byte, b' ' | b'/' | b'\t' | b'\n' | b'\r');
        let name = &tag[..tag.iter().position(ends_name).unwrap_or(tag.len())];
        let local = &name[name.iter().rposition(|byte| *byte == b':').map_or(0, |colon| colon + 1)..];
        if tag.last() != Some(&b'/') {
            self.depth += 1;
        }
        if self.depth > DEPTH || name.len() > NAME_BYTES {
            return Err(SheetError::Damaged("its XML is nested too deeply".to_owned()));
        }
        match local {
            b"row" | b"table-row" => self.counts.rows += 1,
            b"si" => self.counts.strings += 1,
            b"sst" => self.check_promise(tag)?,
            _ => {}
        }
        if self.counts.strings > self.limits.strings {
            return Err(SheetError::TooManyStrings(self.limits.strings));
        }
        Ok(())
    }

    /// The parser reserves memory for as many strings as `uniqueCount` promises.
    fn check_promise(&self, tag: &[u8]) -> Result<(), SheetError> {
        for found in memmem::find_iter(tag, b"uniqueCount") {
            let value = tag[found + b"uniqueCount".len()..].iter().skip_while(|byte| !byte.is_ascii_digit());
            let digits = value.take_while(|byte| byte.is_ascii_digit());
            let count =
                digits.fold(0u64, |count, digit| count.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            if count > self.limits.strings {
                return Err(SheetError::TooManyStrings(self.limits.strings));
            }
        }
        Ok(())
    }
}

/// The length of a tag up to its `>`, which may also stand inside quotes.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, *byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

/// UTF-16 and UTF-32 would hide markup from the walk.
fn check_encoding(start: &[u8]) -> Result<(), SheetError> {
    let wide =
        start.starts_with(&[0xFE, 0xFF]) || start.starts_with(&[0xFF, 0xFE]) || start.iter().take(4).any(|b| *b == 0);
    if wide { Err(SheetError::XmlEncoding) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(xml: &[u8], step: usize) -> Result<XmlCounts, SheetError> {
        let limits = Limits { piece_bytes: 100, strings: 3, ..Limits::default() };
        let mut guard = XmlGuard::new(&limits);
        for bytes in xml.chunks(step) {
            guard.push(bytes)?;
        }
        Ok(guard.counts())
    }

    #[test]
    fn elements_are_counted_however_the_bytes_arrive() {
        let xml = b"<?xml version='1.0'?><x:sst uniqueCount=\"3\"><si/><!-- <si> --><a b='>' c=\"<si>\"/>\
            <![CDATA[<row>]]><row r='1'></row><rows/><x:si>t</x:si></x:sst>";
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(walk(xml, step).unwrap(), XmlCounts { rows: 1, strings: 2 }, "{step}");
        }
    }

    #[test]
    fn document_types_and_entities_are_refused() {
        for xml in ["<!DOCTYPE a>", "<a/><!ENTITY b 'c'>", "  <!doctype", "<![INCLUDE["] {
            for step in [1, 5, 1000] {
                assert!(matches!(walk(xml.as_bytes(), step), Err(SheetError::Doctype)), "{xml} {step}");
            }
        }
    }

    #[test]
    fn pieces_without_end_are_refused() {
        for start in ["x", "<a b='", "<!--", "<![CDATA[", "<?x ", "<a "] {
            let xml = format!("{start}{}", "y".repeat(300));
            for step in [1, 64, 1000] {
                assert!(walk(xml.as_bytes(), step).is_err(), "{start} {step}");
            }
            assert!(walk(format!("{xml}<a>").as_bytes(), 1000).is_err(), "{start}");
        }
    }

    #[test]
    fn promises_and_counts_of_strings_are_bounded() {
        for xml in
            ["<sst uniqueCount='4'>", "<sst a='b' uniqueCount = \"99999999999999999999\" >", "<si/><si/><si/><si/>"]
        {
            assert!(matches!(walk(xml.as_bytes(), 1000), Err(SheetError::TooManyStrings(3))), "{xml}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(walk("<a>".repeat(DEPTH).as_bytes(), 1000).is_ok());
        assert!(walk("<a>".repeat(DEPTH + 1).as_bytes(), 1000).is_err());
        assert!(walk("<a><b/></a></c>".repeat(DEPTH + 1).as_bytes(), 1000).is_ok());
        assert!(walk(format!("<{}/>", "a".repeat(50)).as_bytes(), 1000).is_ok());
    }

    #[test]
    fn wide_encodings_are_refused() {
        for bytes in [&b"\xff\xfe<\0a\0"[..], b"\0<\0a", b"<\0a\0"] {
            assert!(matches!(walk(bytes, 1000), Err(SheetError::XmlEncoding)));
        }
    }
}
