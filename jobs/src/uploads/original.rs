//! The uploaded file on the worker's own disk, since workbooks are read from their end. Gone with the value.

use super::error::{Refusal, UploadError};
use providers::storage::Storage;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) struct Original {
    folder: TempDir,
}

impl Original {
    /// Fetches it; `key` is where it lies in storage.
    pub(super) async fn fetch(storage: &Storage, key: Option<&str>) -> Result<Self, UploadError> {
        let key = key.ok_or_else(|| Refusal::new("file_missing", "the upload has no file; upload it again"))?;
        let folder = tempfile::Builder::new().prefix("upload-").tempdir().map_err(UploadError::Disk)?;
        let original = Self { folder };
        storage.download_to(key, &original.path()).await?;
        Ok(original)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("original")
    }

    /// Where to put what is made of it.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
