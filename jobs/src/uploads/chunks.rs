//! Cuts the rows of a file into chunks.
//!
//! Where a chunk ends follows from the file and the row it begins after, and from nothing else: an attempt that reads
//! the file again cuts it alike, which is what tells a chunk that is written already.

use domain::upload::{Cell, Layout, RowOutcome, RowRules, check_row};
use schema::uploads::import::Chunk;

/// Records of a chunk.
pub const CHUNK_ROWS: usize = 5_000;
/// A chunk with more text than this is cut earlier.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

pub(super) struct Chunks<'a> {
    layout: &'a Layout,
    rules: &'a RowRules,
    chunk: Chunk,
    records: usize,
    bytes: usize,
}

impl<'a> Chunks<'a> {
    /// Of the rows after `checkpoint`.
    pub(super) fn after(checkpoint: i32, layout: &'a Layout, rules: &'a RowRules) -> Self {
        Self { layout, rules, chunk: empty(checkpoint), records: 0, bytes: 0 }
    }

    /// Takes a row; answers with the chunk it completes.
    pub(super) fn take(&mut self, row: u32, cells: &[Cell]) -> Option<Chunk> {
        match check_row(self.layout, row, cells, self.rules) {
            RowOutcome::Blank => return None,
            RowOutcome::Good(row) => self.chunk.rows.push(*row),
            RowOutcome::Bad(faults) => {
                self.chunk.faults.extend(faults);
                self.chunk.faulty += 1;
            }
        }
        self.chunk.last_row = i32::try_from(row).unwrap_or(i32::MAX);
        self.records += 1;
        self.bytes += cells.iter().map(length).sum::<usize>();
        (self.records >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES).then(|| self.cut())
    }

    /// What is left at the end of the file.
    pub(super) fn rest(mut self) -> Option<Chunk> {
        (self.records > 0).then(|| self.cut())
    }

    fn cut(&mut self) -> Chunk {
        (self.records, self.bytes) = (0, 0);
        let next = empty(self.chunk.last_row);
        std::mem::replace(&mut self.chunk, next)
    }
}

fn empty(after: i32) -> Chunk {
    Chunk { after, last_row: after, ..Chunk::default() }
}

fn length(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) | Cell::Error(text) => text.len(),
        Cell::Empty | Cell::Number(_) | Cell::Bool(_) | Cell::DateTime(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn cells(number: usize) -> Vec<Cell> {
        let number = format!("P-{number}");
        ["01/04/2026", "31/03/2027", "Motor", "100", "Asha Rao", &number].map(Cell::from).to_vec()
    }

    fn cut(after: i32, rows: std::ops::RangeInclusive<u32>) -> Vec<(i32, i32, usize, i32)> {
        let headers = ["Start Date", "End Date", "Policy Type", "Premium", "Name", "Policy No"];
        let layout = Layout::new(&headers.map(str::to_owned), None).unwrap();
        let rules = RowRules::new(NaiveDate::from_ymd_opt(2026, 1, 1).unwrap());
        let mut chunks = Chunks::after(after, &layout, &rules);
        let mut found = Vec::new();
        for row in rows {
            let cells = match row % 10 {
                0 => Vec::new(),
                5 => cells(row as usize).split_off(2),
                _ => cells(row as usize),
            };
            found.extend(chunks.take(row, &cells));
        }
        found.extend(chunks.rest());
        found.iter().map(|chunk| (chunk.after, chunk.last_row, chunk.rows.len(), chunk.faulty)).collect()
    }

    #[test]
    fn a_file_read_again_from_a_checkpoint_is_cut_alike() {
        let whole = cut(0, 2..=13_000);
        assert_eq!(whole.len(), 3);
        assert!(whole.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let again = cut(whole[0].1, u32::try_from(whole[0].1).unwrap() + 1..=13_000);
        assert_eq!(whole[1..], again);
        let records: usize = whole.iter().map(|(_, _, good, bad)| good + usize::try_from(*bad).unwrap()).sum();
        assert_eq!(records, (2..=13_000).filter(|row| row % 10 != 0).count());
    }
}
