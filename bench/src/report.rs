//! The figures, as they come and as a table at the end.

use std::fmt;

/// What was measured.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    what: String,
    figure: String,
    against: String,
}

impl Report {
    /// A figure, and what it is to be held against.
    pub fn add(&mut self, what: impl Into<String>, figure: impl Into<String>, against: impl Into<String>) {
        let line = Line { what: what.into(), figure: figure.into(), against: against.into() };
        eprintln!("{}: {} ({})", line.what, line.figure, line.against);
        self.lines.push(line);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | figure | against |\n|---|---|---|")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "| {} | {} | {} |", line.what, line.figure, line.against))
    }
}

/// Rows, jobs or calls a second, rounded for reading.
pub fn per_second(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::EPSILON)
}

/// `12,345`.
pub fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `43 %`.
pub fn percent(part: f64, whole: f64) -> String {
    format!("{:.0} %", 100.0 * part / whole.max(f64::EPSILON))
}
