//! Why a file cannot be read as a book of policies.
//!
//! Every message is one line for the uploader that says what to do; none holds a cell's content. The importer ends the
//! job with it: reading the same file again gives the same answer, except for [`SheetError::Io`].

use domain::upload::HeaderError;
use domain::upload::kind::SniffError;
use std::io;

/// A file that is refused, or that broke while it was read.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The disk, not the file, is at fault: worth another attempt.
    #[error("the file could not be read")]
    Io(#[source] io::Error),
    /// No workbook by its first bytes.
    #[error("{0}")]
    Kind(#[from] SniffError),
    /// A zip or compound file that holds something else.
    #[error("this is {0}, not a workbook; upload .xlsx, .xlsb, .xls, .ods or .csv")]
    NotAWorkbook(&'static str),
    /// Encrypted.
    #[error("the workbook is protected by a password; save it without one and upload it again")]
    Password,
    /// Carries a VBA project or macro sheets.
    #[error("the workbook contains macros; save it as .xlsx without macros and upload it again")]
    Macros,
    /// Cut short, or its container is broken.
    #[error("the file is cut short or damaged ({0}); save it anew and upload it again")]
    Damaged(String),
    /// Declares a document type or entities, as no spreadsheet program does.
    #[error(
        "the workbook's XML declares a document type or entities, which no spreadsheet program writes; it is refused"
    )]
    Doctype,
    /// Its XML is in an encoding other than UTF-8.
    #[error("the workbook's XML is not in UTF-8; save it anew and upload it again")]
    XmlEncoding,
    /// Inflates out of all proportion.
    #[error("the workbook inflates to more than {0} times its size, as decompression bombs do; it is refused")]
    Bomb(u64),
    /// One part, or all of them, over its limit.
    #[error("{what} is larger than {limit} MiB when unpacked; split the book into several files")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in MiB.
        limit: u64,
    },
    /// More files in the zip than any workbook has.
    #[error("the workbook holds more than {0} parts; it is refused")]
    TooManyMembers(usize),
    /// More sheets than are looked at.
    #[error("the workbook has more than {0} sheets; upload the sheet with the policies alone")]
    TooManySheets(usize),
    /// A cell beyond the last column that is read.
    #[error("the sheet uses more than {limit} columns (row {row}); remove the columns that are not needed")]
    TooManyColumns {
        /// As the sheet shows it.
        row: u32,
        /// Columns that may be used.
        limit: usize,
    },
    /// A row beyond the last that is read.
    #[error("the sheet has more than {0} rows; split the book into several files")]
    TooManyRows(u32),
    /// A cell longer than spreadsheet programs allow.
    #[error("a cell in row {row} has more than {limit} characters; shorten it")]
    CellTooLong {
        /// As the sheet shows it.
        row: u32,
        /// Characters a cell may have.
        limit: usize,
    },
    /// A CSV record without end, mostly an opening quote that is never closed.
    #[error("the record after row {row} is longer than {limit} bytes; a quotation mark is probably not closed")]
    RecordTooLong {
        /// The last row that was whole.
        row: u32,
        /// Bytes a record may have.
        limit: usize,
    },
    /// More different texts than are kept in memory.
    #[error("the workbook holds more than {0} different texts; split the book into several files")]
    TooManyStrings(u64),
    /// The caller asked for a sheet that is not there.
    #[error("there is no sheet named \"{0}\"")]
    NoSuchSheet(String),
    /// No visible sheet has anything in it.
    #[error("the file holds no rows")]
    NoRows,
    /// No sheet has usable headers.
    #[error("sheet \"{sheet}\": {source}")]
    Header {
        /// The sheet that came closest.
        sheet: String,
        /// What is missing or ambiguous.
        source: HeaderError,
    },
}

impl SheetError {
    /// A stable code for records and JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "file_unreadable",
            Self::Kind(_) | Self::NotAWorkbook(_) => "not_a_workbook",
            Self::Password => "password_protected",
            Self::Macros => "macros",
            Self::Damaged(_) => "damaged_file",
            Self::Doctype | Self::XmlEncoding => "forbidden_xml",
            Self::Bomb(_) => "decompression_bomb",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyMembers(_) => "too_many_parts",
            Self::TooManySheets(_) => "too_many_sheets",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::TooManyRows(_) => "too_many_rows",
            Self::CellTooLong { .. } => "cell_too_long",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::TooManyStrings(_) => "too_many_texts",
            Self::NoSuchSheet(_) => "no_such_sheet",
            Self::NoRows => "no_rows",
            Self::Header { .. } => "bad_headers",
        }
    }

    /// Whether the same file may be readable another time.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_))
    }

    /// An error while decoding: the disk's when the operating system says so, the file's otherwise.
    pub(super) fn from_read(error: io::Error) -> Self {
        if error.raw_os_error().is_some() { Self::Io(error) } else { Self::Damaged(one_line(&error.to_string())) }
    }
}

/// A decoder's own words, short and on one line.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 120;
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST).map(shown).collect()
}
