//! Files: a local folder by default, S3 or Azure Blob by configuration. One place for all of them.
//!
//! Files are streamed both ways in bounded memory. A file appears whole or not at all: what broke off, came out too
//! long or was given up is taken back. Transient faults of a store are retried within; what still fails is a
//! [`StorageError`], and the caller's job retries.

mod config;
mod error;
mod put;

pub use config::{Place, StorageConfig};
pub use error::StorageError;
pub use put::Stored;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use std::{path::Path as FilePath, sync::Arc};
use tokio::io::AsyncWriteExt;

/// The pieces in which a local file is read.
const READ_PIECE: usize = 256 * 1024;

/// Where files are kept.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// A file being read.
pub struct Reading {
    /// Its length in bytes.
    pub size: u64,
    /// Its content, in order.
    pub content: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl Storage {
    /// Opens the configured place; a local folder is made when it is missing, readable by nobody else.
    pub fn open(config: &StorageConfig) -> Result<Self, StorageError> {
        let (store, prefix) = config.open()?;
        Ok(Self { store, prefix })
    }

    /// Keys are ours, such as `uploads/2024/05/15/…`: parts between slashes, none of them `..`.
    fn path(&self, key: &str) -> Result<Path, StorageError> {
        let path = Path::parse(key).map_err(|_| StorageError::Key { key: key.to_owned() })?;
        if path.parts().next().is_none() || path.as_ref().len() > 900 {
            return Err(StorageError::Key { key: key.to_owned() });
        }
        Ok(self.prefix.parts().chain(path.parts()).collect())
    }

    /// Keeps what the stream brings, at most `limit` bytes, and tells its length and SHA-256.
    ///
    /// Fails with [`StorageError::TooLarge`] past the limit and [`StorageError::Source`] when the stream does.
    pub async fn put_stream<S, E>(&self, key: &str, content: S, limit: u64) -> Result<Stored, StorageError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        put::put(self.store.as_ref(), &self.path(key)?, content.map_err(Into::into), limit).await
    }

    /// Keeps a copy of a local file.
    pub async fn put_file(&self, key: &str, file: &FilePath, limit: u64) -> Result<Stored, StorageError> {
        let file = tokio::fs::File::open(file).await?;
        self.put_stream(key, pieces(file), limit).await
    }

    /// Opens a file for reading.
    pub async fn get_stream(&self, key: &str) -> Result<Reading, StorageError> {
        let found = self.store.get(&self.path(key)?).await.map_err(|source| StorageError::of(key, source))?;
        let (size, key) = (found.meta.size, key.to_owned());
        let content = found.into_stream().map_err(move |source| StorageError::of(&key, source)).boxed();
        Ok(Reading { size, content })
    }

    /// Copies a file to a local path, which is written over; its length in bytes.
    pub async fn download_to(&self, key: &str, target: &FilePath) -> Result<u64, StorageError> {
        let mut reading = self.get_stream(key).await?;
        let mut file = tokio::fs::File::create(target).await?;
        while let Some(piece) = reading.content.try_next().await? {
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(reading.size)
    }

    /// The length of a file in bytes, or [`StorageError::NotFound`].
    pub async fn size(&self, key: &str) -> Result<u64, StorageError> {
        let head = self.store.head(&self.path(key)?).await.map_err(|source| StorageError::of(key, source))?;
        Ok(head.size)
    }

    /// Whether there is such a file.
    pub async fn exists(&self, key: &str) -> Result<bool, StorageError> {
        match self.size(key).await {
            Ok(_) => Ok(true),
            Err(StorageError::NotFound { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Removes a file; one that is not there is removed already.
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        match self.store.delete(&self.path(key)?).await.map_err(|source| StorageError::of(key, source)) {
            Err(StorageError::NotFound { .. }) | Ok(()) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

/// A file's content, piece by piece.
fn pieces(file: tokio::fs::File) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    futures_util::stream::try_unfold(file, |mut file| async move {
        use tokio::io::AsyncReadExt;
        let mut piece = bytes::BytesMut::with_capacity(READ_PIECE);
        let read = file.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), file)))
    })
}

#[cfg(test)]
mod tests;
