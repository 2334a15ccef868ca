//! Files that were kept until their mail had gone out: removed once the mail is done with for long enough.
//!
//! A file is removed before the row forgets it, so a run that is cut short leaves nothing behind: removing a file that is
//! gone does nothing. Fails as the database and the storage do, and is tried again with the next round.

use super::content::StoredFile;
use crate::services::Services;
use chrono::{DateTime, Utc};
use providers::storage::StorageError;
use schema::{DbError, messages};

/// Mails looked at together.
const PAGE: i64 = 100;
/// Pages of one round.
const PAGES: usize = 50;

/// Why files stay.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The storage did not remove one.
    #[error("removing the file of a mail")]
    Storage(#[from] StorageError),
}

/// Removes the files of mails done with since before a time; of how many.
pub async fn drop_old(services: &Services, before: DateTime<Utc>) -> Result<usize, FilesError> {
    let mut dropped = 0;
    for _ in 0..PAGES {
        let page = messages::with_old_files(&mut *services.db.get().await?, before, PAGE).await?;
        if page.is_empty() {
            break;
        }
        let mut ids = Vec::with_capacity(page.len());
        for (id, files) in page {
            // what cannot be read is none of ours to remove
            let files: Vec<StoredFile> = serde_json::from_value(files).unwrap_or_default();
            for file in files {
                services.storage.delete(&file.key).await?;
            }
            ids.push(id);
        }
        dropped += ids.len();
        messages::forget_files(&mut *services.db.get().await?, &ids).await?;
    }
    Ok(dropped)
}
