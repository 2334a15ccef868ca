//! A file on its way into the store: looked at, hashed and kept while it comes in.
//!
//! Memory is that of the store's parts, whatever the file's length. What is refused or breaks off leaves nothing.

use super::{content, kept::Kept};
use crate::{error::ApiResult, state::SharedState};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use providers::storage::{StorageError, Stored};
use uuid::Uuid;

/// A file in the store that no row refers to yet.
#[derive(Debug)]
pub struct Incoming {
    /// The object.
    pub kept: Kept,
    /// Its length and hash.
    pub stored: Stored,
    /// What its first bytes promise.
    pub file_type: &'static str,
}

/// Keeps a whole file of at most `limit` bytes, unless its first bytes are those of something else.
pub async fn keep<S, E>(state: &SharedState, mut content: S, limit: u64) -> ApiResult<Incoming>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let (first, file_type) = match content::peek(&mut content).await {
        Ok(peeked) => peeked,
        Err(error) => return Err(StorageError::Source(error.into()).into()),
    };
    let file_type = file_type?;
    let whole = stream::iter(first.into_iter().map(Ok)).chain(content);
    let (kept, stored) = put(state, whole, limit).await?;
    Ok(Incoming { kept, stored, file_type })
}

/// Keeps anything of at most `limit` bytes.
pub async fn put<S, E>(state: &SharedState, content: S, limit: u64) -> ApiResult<(Kept, Stored)>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let storage = &state.services.storage;
    let kept = Kept::new(storage.clone(), new_key(state));
    let stored = storage.put_stream(kept.key(), content, limit).await?;
    Ok((kept, stored))
}

/// By day, so that folders stay small; random, so that nobody guesses one.
fn new_key(state: &SharedState) -> String {
    format!("uploads/{}/{}", state.services.clock.now().format("%Y/%m/%d"), Uuid::new_v4())
}
