//! How much of a file is believed: bounds on sizes, counts and lengths, so that no upload can exhaust a worker.
//!
//! Nothing fails here; readers refuse what goes over with a [`super::SheetError`] that names the bound.

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Bounds of one file. Sizes are bytes after decompression unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Columns that hold anything.
    pub columns: usize,
    /// Rows of a sheet, blank ones included.
    pub rows: u32,
    /// Characters of a cell (Excel's own limit).
    pub cell_characters: usize,
    /// Bytes of a CSV record, of one XML tag or text, of one binary record.
    pub piece_bytes: usize,
    /// Sheets of a workbook.
    pub sheets: usize,
    /// Files in a zip.
    pub members: usize,
    /// A worksheet.
    pub sheet_bytes: u64,
    /// The table of shared strings.
    pub strings_bytes: u64,
    /// Entries of the table of shared strings.
    pub strings: u64,
    /// Any other file in a zip.
    pub member_bytes: u64,
    /// All files in a zip.
    pub total_bytes: u64,
    /// How many times larger than its compressed form a file in a zip may be, once it is over `ratio_floor`.
    pub ratio: u64,
    /// Up to so many bytes any ratio passes.
    pub ratio_floor: u64,
    /// A compound file (.xls) as it lies on disk.
    pub compound_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            columns: 512,
            rows: 2_000_000,
            cell_characters: 32_767,
            piece_bytes: 1024 * 1024,
            sheets: 255,
            members: 10_000,
            sheet_bytes: GIB + GIB / 2,
            strings_bytes: 256 * MIB,
            strings: 4_000_000,
            member_bytes: 128 * MIB,
            total_bytes: 4 * GIB,
            ratio: 200,
            ratio_floor: 16 * MIB,
            compound_bytes: 128 * MIB,
        }
    }
}
