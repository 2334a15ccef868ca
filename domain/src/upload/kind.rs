//! What a file is, told by its first bytes and never by its name.
//!
//! Fails on everything that is neither a workbook's container nor text that may be CSV, naming what it is instead. A
//! zip or compound file may still turn out to be no workbook; that is found when it is opened.

use super::text::is_visible;

/// How many leading bytes the sniff wants to see; fewer will do for a shorter file.
pub const SNIFF_LENGTH: usize = 64 * 1024;

/// What the first bytes promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A zip: .xlsx, .xlsb or .ods.
    Zip,
    /// A compound file (MS-CFB): .xls, or a workbook with a password.
    CompoundFile,
    /// Text: CSV.
    Text(TextEncoding),
}

/// How a text file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// What old spreadsheets write; any byte is a character.
    Windows1252,
}

/// The file is no workbook and no CSV.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SniffError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Known to be something else.
    #[error("this is {0}, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv")]
    Other(&'static str),
    /// A page or document that only carries a workbook's name.
    #[error("this is {0}; open it in the spreadsheet program and save it as .xlsx")]
    Resave(&'static str),
    /// Bytes that are no text.
    #[error("this is a binary file of an unknown kind, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv")]
    Binary,
}

/// Tells the kind by the first bytes: the first [`SNIFF_LENGTH`], or all of a shorter file.
pub fn sniff(first_bytes: &[u8]) -> Result<FileKind, SniffError> {
    if first_bytes.is_empty() {
        return Err(SniffError::Empty);
    }
    if first_bytes.starts_with(b"PK\x03\x04") {
        return Ok(FileKind::Zip);
    }
    if first_bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return Ok(FileKind::CompoundFile);
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| first_bytes.starts_with(magic)) {
        return Err(SniffError::Other(what));
    }
    if first_bytes.len() > 262 && &first_bytes[257..262] == b"ustar" {
        return Err(SniffError::Other("a tar archive"));
    }
    if first_bytes.len() > 12 && &first_bytes[4..8] == b"ftyp" {
        return Err(SniffError::Other("a video or image"));
    }
    let encoding = text_encoding(first_bytes).ok_or(SniffError::Binary)?;
    match markup(first_bytes, encoding) {
        Some(error) => Err(error),
        None => Ok(FileKind::Text(encoding)),
    }
}

const MAGIC: &[(&[u8], &str)] = &[
    (b"PK\x05\x06", "an empty zip archive"),
    (b"PK\x07\x08", "a part of a split zip archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (&[0xFE, 0xED, 0xFA, 0xCE], "a macOS program"),
    (&[0xFE, 0xED, 0xFA, 0xCF], "a macOS program"),
    (&[0xCE, 0xFA, 0xED, 0xFE], "a macOS program"),
    (&[0xCF, 0xFA, 0xED, 0xFE], "a macOS program"),
    (&[0xCA, 0xFE, 0xBA, 0xBE], "a Java class or macOS program"),
    (b"\0asm", "a WebAssembly program"),
    (b"#!", "a script"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "a rich text document"),
    (b"\x89PNG", "an image"),
    (&[0xFF, 0xD8, 0xFF], "an image"),
    (b"GIF8", "an image"),
    (b"II*\0", "an image"),
    (b"MM\0*", "an image"),
    (b"RIFF", "a sound, video or image"),
    (&[0x1F, 0x8B], "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (&[0xFD, b'7', b'z', b'X', b'Z', 0], "an xz archive"),
    (&[b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (&[0x28, 0xB5, 0x2F, 0xFD], "a Zstandard archive"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or video file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
];

/// The encoding of a text, told by its byte order mark or its bytes; `None` for what is no text.
pub fn text_encoding(bytes: &[u8]) -> Option<TextEncoding> {
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return Some(TextEncoding::Utf16Le);
    }
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return Some(TextEncoding::Utf16Be);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return Some(encoding);
    }
    if !looks_like_text(bytes) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Some(TextEncoding::Utf8),
        // a character cut off at the end of the window is no fault
        Err(error) if error.error_len().is_none() => Some(TextEncoding::Utf8),
        Err(_) => Some(TextEncoding::Windows1252),
    }
}

/// Latin text in UTF-16 has a zero in every other byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<TextEncoding> {
    let pairs = bytes.chunks_exact(2);
    let count = pairs.len();
    if count < 4 {
        return None;
    }
    let (mut high_first, mut low_first, mut both) = (0usize, 0usize, 0usize);
    for pair in pairs {
        match (pair[0], pair[1]) {
            (0, 0) => both += 1,
            (0, _) => high_first += 1,
            (_, 0) => low_first += 1,
            _ => {}
        }
    }
    // nearly all commas, digits and line ends of a CSV file are such pairs
    let most = count * 2 / 5;
    match both {
        0 if low_first > most && high_first * 20 < low_first => Some(TextEncoding::Utf16Le),
        0 if high_first > most && low_first * 20 < high_first => Some(TextEncoding::Utf16Be),
        _ => None,
    }
}

/// No zero bytes, and next to no control characters.
fn looks_like_text(bytes: &[u8]) -> bool {
    let control = bytes.iter().filter(|byte| matches!(byte, 0x01..=0x08 | 0x0B | 0x0E..=0x1F | 0x7F)).count();
    !bytes.contains(&0) && control * 100 <= bytes.len()
}

/// Text that is markup or data of another kind.
fn markup(bytes: &[u8], encoding: TextEncoding) -> Option<SniffError> {
    const WINDOW: usize = 1024;
    let window = &bytes[..bytes.len().min(WINDOW)];
    let start: String = match encoding {
        TextEncoding::Utf8 | TextEncoding::Windows1252 => String::from_utf8_lossy(window).into_owned(),
        TextEncoding::Utf16Le | TextEncoding::Utf16Be => {
            window.iter().filter(|b| b.is_ascii() && **b != 0).map(|b| char::from(*b)).collect()
        }
    };
    let start = start.trim_start_matches(|c: char| c.is_whitespace() || !is_visible(c)).to_lowercase();
    let is = |beginning: &str| start.starts_with(beginning);
    if is("<?xml") && start.contains("schemas-microsoft-com:office:spreadsheet") {
        Some(SniffError::Resave("an XML spreadsheet of 2003"))
    } else if is("<!doctype html") || is("<html") || is("<table") || is("<meta") || is("<head") || is("<style") {
        Some(SniffError::Resave("a web page with a workbook's name"))
    } else if is("mime-version:") {
        Some(SniffError::Resave("a web archive with a workbook's name"))
    } else if is("<?xml") || is("<!doctype") || is("<!--") || is("<svg") {
        Some(SniffError::Other("an XML document"))
    } else if is("{\"") || is("{\n") || is("{\r") || is("[{") || is("[\n") {
        Some(SniffError::Other("a JSON document"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(encode).collect()
    }

    #[test]
    fn containers_by_their_magic_numbers() {
        assert_eq!(sniff(b"PK\x03\x04rest"), Ok(FileKind::Zip));
        assert_eq!(sniff(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0]), Ok(FileKind::CompoundFile));
    }

    #[test]
    fn what_is_no_workbook_is_named() {
        for (bytes, what) in [
            (&b"MZ\x90\0\x03"[..], "a Windows program"),
            (b"\x7fELF\x02", "a Linux program"),
            (b"%PDF-1.7", "a PDF document"),
            (b"\x89PNG\r\n", "an image"),
            (b"\x1f\x8b\x08", "a gzip archive"),
            (b"{\"a\": 1}", "a JSON document"),
            (b"<?xml version=\"1.0\"?><a/>", "an XML document"),
        ] {
            assert_eq!(sniff(bytes), Err(SniffError::Other(what)));
        }
        assert_eq!(sniff(b""), Err(SniffError::Empty));
        assert_eq!(sniff(b"\x01\x02\x03\x00\xff"), Err(SniffError::Binary));
        assert!(matches!(sniff(b"\n <HTML><table>"), Err(SniffError::Resave(_))));
        assert_eq!(
            sniff(b"MZ\x90").unwrap_err().to_string(),
            "this is a Windows program, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv"
        );
    }

    #[test]
    fn encodings_of_text() {
        let text = "Policy No,Name\r\nP-1,José\r\n";
        let cases = [
            (text.as_bytes().to_vec(), TextEncoding::Utf8),
            ([&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(), TextEncoding::Utf8),
            (utf16(text, u16::to_le_bytes), TextEncoding::Utf16Le),
            (utf16(text, u16::to_be_bytes), TextEncoding::Utf16Be),
            (utf16(&format!("\u{feff}{text}"), u16::to_le_bytes), TextEncoding::Utf16Le),
            (utf16(&format!("\u{feff}{text}"), u16::to_be_bytes), TextEncoding::Utf16Be),
            (b"Policy No,Name\r\nP-1,Jos\xe9\r\n".to_vec(), TextEncoding::Windows1252),
            ("नाम,पॉलिसी\n".as_bytes()[..5].to_vec(), TextEncoding::Utf8),
        ];
        for (bytes, encoding) in cases {
            assert_eq!(sniff(&bytes), Ok(FileKind::Text(encoding)), "{bytes:?}");
        }
    }
}
