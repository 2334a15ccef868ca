//! Keeping a stream: counted, hashed and sent on in parts while it comes in.

use super::StorageError;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use sha2::{Digest, Sha256};
use std::pin::pin;
use tokio::task::JoinSet;

/// The length of a part. S3 allows 10,000 parts, so files up to 80 GB.
const PART: usize = 8 * 1024 * 1024;
/// The most parts on their way at once; with the one being filled, all the memory a file takes.
const PARTS_IN_FLIGHT: usize = 2;

/// A file that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, as 64 hexadecimal digits.
    pub sha256: String,
}

/// Nothing is kept unless all of it is: an upload that is dropped half-way is aborted.
struct Parts {
    upload: Option<Box<dyn MultipartUpload>>,
    in_flight: JoinSet<Result<(), object_store::Error>>,
}

impl Parts {
    async fn send(&mut self, part: Bytes) -> Result<(), object_store::Error> {
        while self.in_flight.len() >= PARTS_IN_FLIGHT {
            self.one_done().await?;
        }
        if let Some(upload) = &mut self.upload {
            self.in_flight.spawn(upload.put_part(PutPayload::from(part)));
        }
        Ok(())
    }

    async fn one_done(&mut self) -> Result<(), object_store::Error> {
        match self.in_flight.join_next().await {
            Some(done) => done?,
            None => Ok(()),
        }
    }

    async fn complete(mut self) -> Result<(), object_store::Error> {
        while !self.in_flight.is_empty() {
            self.one_done().await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        self.upload = None;
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let (Some(mut upload), Ok(runtime)) = (self.upload.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let mut in_flight = std::mem::take(&mut self.in_flight);
        runtime.spawn(async move {
            in_flight.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "parts of a file that was given up remain in the store");
            }
        });
    }
}

pub(super) async fn put<S>(store: &dyn ObjectStore, path: &Path, content: S, limit: u64) -> Result<Stored, StorageError>
where
    S: Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    let failed = |source| StorageError::of(path.as_ref(), source);
    let mut content = pin!(content);
    let mut parts: Option<Parts> = None;
    let mut part = BytesMut::new();
    let mut digest = Sha256::new();
    let mut size = 0_u64;
    while let Some(piece) = content.next().await {
        let mut piece = piece.map_err(StorageError::Source)?;
        size += piece.len() as u64;
        if size > limit {
            return Err(StorageError::TooLarge { limit });
        }
        digest.update(&piece);
        while part.len() + piece.len() >= PART {
            part.extend_from_slice(&piece.split_to(PART - part.len()));
            let full = std::mem::take(&mut part).freeze();
            let parts = match &mut parts {
                Some(parts) => parts,
                None => {
                    let upload = store.put_multipart(path).await.map_err(failed)?;
                    parts.insert(Parts { upload: Some(upload), in_flight: JoinSet::new() })
                }
            };
            parts.send(full).await.map_err(failed)?;
        }
        part.extend_from_slice(&piece);
    }
    match parts {
        None => {
            store.put(path, PutPayload::from(part.freeze())).await.map_err(failed)?;
        }
        Some(mut parts) => {
            if !part.is_empty() {
                parts.send(part.freeze()).await.map_err(failed)?;
            }
            parts.complete().await.map_err(failed)?;
        }
    }
    Ok(Stored { size, sha256: hex::encode(digest.finalize()) })
}
