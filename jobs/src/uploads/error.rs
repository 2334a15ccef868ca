//! Why the work on an upload stopped: because of the upload itself, which another attempt cannot change, or because of
//! something that may be better next time.

use super::options::OptionsError;
use crate::JobError;
use crate::sheets::SheetError;
use providers::storage::StorageError;
use schema::DbError;
use schema::uploads::import::ImportError;
use tokio::task::JoinError;

/// What the uploader is told of an upload that cannot be processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable, for records and JSON.
    pub code: &'static str,
    /// One line that says what to do.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The work stopped.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The upload is at fault.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another attempt is further than this one, or the upload has been ended.
    #[error("another attempt is ahead of this one, or the upload has been ended")]
    Superseded(#[source] ImportError),
    /// The file could not be had, or the report not be kept.
    #[error("the storage failed")]
    Storage(#[source] StorageError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The worker's own disk failed.
    #[error("a temporary file cannot be used")]
    Disk(#[source] std::io::Error),
    /// The report could not be written.
    #[error("the report cannot be written")]
    Report(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The process is going down.
    #[error("reading was broken off")]
    BrokenOff,
}

impl From<SheetError> for UploadError {
    fn from(error: SheetError) -> Self {
        match error {
            SheetError::Io(source) => Self::Disk(source),
            other => Refusal::new(other.code(), other.to_string()).into(),
        }
    }
}

impl From<OptionsError> for UploadError {
    fn from(error: OptionsError) -> Self {
        Refusal::new("bad_options", error.to_string()).into()
    }
}

impl From<StorageError> for UploadError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound { .. } | StorageError::Key { .. } => {
                Refusal::new("file_missing", "the uploaded file is no longer in storage; upload it again").into()
            }
            other => Self::Storage(other),
        }
    }
}

impl From<ImportError> for UploadError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Db(error) => Self::Database(error),
            superseded @ ImportError::Superseded { .. } => Self::Superseded(superseded),
        }
    }
}

impl From<JoinError> for UploadError {
    /// A reader that panicked has met a file nobody thought of; the next attempt would meet it again.
    fn from(error: JoinError) -> Self {
        if error.is_panic() {
            Refusal::new("damaged_file", "the file is damaged; save it anew and upload it again").into()
        } else {
            Self::BrokenOff
        }
    }
}

impl From<UploadError> for JobError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(refusal) => Self::discard(refusal),
            other => Self::retry(other),
        }
    }
}
