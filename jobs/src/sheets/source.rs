//! What every reader of a file format offers to [`super::Book`].

use super::error::SheetError;
use super::limits::Limits;
use super::rows::RowVisitor;
use domain::upload::DateSystem;

/// A sheet of a workbook; a CSV file is one visible sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetInfo {
    pub name: String,
    /// Hidden sheets are not looked at unless asked for by name.
    pub visible: bool,
}

/// A file that is open for reading, of one format.
pub(super) trait Source: Send {
    /// Worksheets in the order of the workbook.
    fn sheets(&self) -> &[SheetInfo];

    /// How the workbook counts days.
    fn date_system(&self) -> DateSystem;

    /// How many rows the largest sheet probably has.
    fn row_estimate(&self) -> u64;

    /// Reads a sheet (its place in [`Source::sheets`]) from the start, passing over rows up to `after`.
    fn for_each_row(
        &mut self,
        sheet: usize,
        after: u32,
        limits: &Limits,
        visit: &mut RowVisitor<'_>,
    ) -> Result<(), SheetError>;
}
