//! Finds out how a CSV file separates its fields.
//!
//! The first lines are read with each delimiter; the one whose rows name the most known columns wins, then the one that
//! cuts the lines most evenly. Excel's own `sep=;` line is believed. Fails only as the file fails.

use domain::upload::recognised_columns;
use std::io::{self, Read};

/// How fields are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Bytes of a `sep=` line in UTF-8, its line end included.
    preamble: usize,
}

/// In the order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads the first 64 KiB of text and decides.
pub(super) fn detect(mut text: impl Read) -> io::Result<Dialect> {
    const SAMPLE: u64 = 64 * 1024;
    let mut sample = Vec::new();
    text.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
    if let Some(dialect) = declared(&sample) {
        return Ok(dialect);
    }
    let mut best = (DELIMITERS[0], Score::default());
    for delimiter in DELIMITERS {
        let score = score(&sample, delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    Ok(Dialect { delimiter: best.0, preamble: 0 })
}

impl Dialect {
    /// Passes over the `sep=` line, which no sheet shows.
    pub(super) fn skip_preamble(&self, text: &mut impl Read) -> io::Result<()> {
        text.read_exact(&mut vec![0; self.preamble])
    }
}

/// `sep=;` on the first line, as Excel writes and reads it.
fn declared(sample: &[u8]) -> Option<Dialect> {
    let rest = sample.strip_prefix(b"sep=").or_else(|| sample.strip_prefix(b"SEP="))?;
    let (&delimiter, rest) = rest.split_first()?;
    let line_end = [&b"\r\n"[..], b"\n", b"\r"].into_iter().find(|end| rest.starts_with(end))?;
    (delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n'))
        .then_some(Dialect { delimiter, preamble: b"sep=".len() + 1 + line_end.len() })
}

/// Compared field by field: known columns first, then how many lines have the usual number of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Score {
    known: usize,
    even: usize,
    fields: usize,
}

fn score(sample: &[u8], delimiter: u8) -> Score {
    const RECORDS: usize = 25;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(sample);
    let mut known = 0;
    let mut widths = Vec::new();
    for record in reader.byte_records().take(RECORDS).map_while(Result::ok) {
        let fields: Vec<String> = record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        known = known.max(recognised_columns(&fields, None));
        widths.push(fields.len());
    }
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or_default();
    let even = if usual > 1 { widths.iter().filter(|width| **width == usual).count() } else { 0 };
    Score { known, even, fields: usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> char {
        char::from(detect(text.as_bytes()).unwrap().delimiter)
    }

    #[test]
    fn the_delimiter_is_found() {
        assert_eq!(delimiter("Policy No,Premium\n1,2\n"), ',');
        assert_eq!(delimiter("Policy No;Premium, net;Name\n1;2,5;A, B\n2;3,5;C, D\n"), ';');
        assert_eq!(delimiter("Policy No\tPremium\n1\t2,000\n"), '\t');
        assert_eq!(delimiter("Policy No|Premium\n1|2\n"), '|');
        assert_eq!(delimiter("Report, March\n\nPolicy No;Premium;Name\n1;2;3\n"), ';');
        assert_eq!(delimiter("x;y\n1;2\n"), ';');
        assert_eq!(delimiter("one column\nonly\n"), ',');
        assert_eq!(delimiter(""), ',');
    }

    #[test]
    fn excels_own_line_is_believed() {
        assert_eq!(detect(&b"sep=|\r\na|b,c,d\n"[..]).unwrap(), Dialect { delimiter: b'|', preamble: 7 });
        assert_eq!(detect(&b"sep=\n"[..]).unwrap().preamble, 0);
    }
}
