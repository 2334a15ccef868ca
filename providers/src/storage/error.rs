//! What can go wrong with a file.

/// A file could not be kept, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such file.
    #[error("there is no file {key}")]
    NotFound {
        /// The key asked for.
        key: String,
    },
    /// The content is longer than allowed; nothing of it was kept.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most that was allowed, in bytes.
        limit: u64,
    },
    /// Not a key of ours.
    #[error("{key:?} cannot name a file")]
    Key {
        /// What was given.
        key: String,
    },
    /// Whoever brought the content broke off; nothing of it was kept.
    #[error("the content broke off")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A local file or folder cannot be used.
    #[error("a local file cannot be used")]
    Local(#[from] std::io::Error),
    /// The store failed, retries included.
    #[error("the store failed")]
    Store(#[source] Box<object_store::Error>),
}

impl StorageError {
    /// A store's error about a key.
    pub(super) fn of(key: &str, source: object_store::Error) -> Self {
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { key: key.to_owned() },
            other => Self::Store(Box::new(other)),
        }
    }
}
