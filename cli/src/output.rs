//! How results are printed: aligned text for people, JSON for programs.

use serde::Serialize;
use std::io::Write;

/// The form the caller asked for.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// JSON instead of text.
    pub json: bool,
}

impl Form {
    /// Prints the value as JSON, or the text made of it.
    pub fn print<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        if self.json {
            say(&serde_json::to_string_pretty(value)?);
        } else {
            say(&text(value));
        }
        Ok(())
    }
}

/// A line for people. Whoever read it may have gone, which is no reason to stop.
pub fn say(text: &str) {
    let mut output = std::io::stdout().lock();
    let _unread = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Columns under their headings, as wide as they need to be.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(headings)];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.join("\n")
}

/// An error and what is behind it, without saying the same thing twice.
pub fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}\n  because: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "₹1".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["N", "VALUE"], &rows), "N       VALUE\na       ₹1\nlonger");
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("reading: no such file").context("starting");
        assert_eq!(causes(&error), "starting\n  because: reading: no such file");
    }
}
