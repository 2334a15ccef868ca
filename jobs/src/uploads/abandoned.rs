//! Ends uploads that were begun and never completed, and deletes their pieces from storage.

use super::error::UploadError;
use crate::{Decision, JobContext};
use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use schema::uploads::abandoned;
use serde_json::json;

/// How long after its beginning an upload can be completed.
pub const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Pieces that are looked up at a time.
const PIECES: i64 = 500;
/// Pieces that are deleted at once.
const AT_ONCE: usize = 8;

/// Ends them all and deletes every piece that is left, also what an earlier run left behind.
pub async fn drop_abandoned(context: &JobContext) -> Result<Decision, UploadError> {
    let services = &context.services;
    let reason = "the upload was not completed within 24 hours; begin it anew";
    let before = context.now() - PATIENCE;
    let ended = abandoned::end_all(&mut *services.db.get().await?, before, reason).await?;
    let mut deleted = 0;
    loop {
        let pieces = abandoned::leftovers(&mut *services.db.get().await?, PIECES).await?;
        if pieces.is_empty() {
            return Ok(Decision::done_with(&json!({ "uploads": ended, "pieces": deleted })));
        }
        let paths = pieces.iter().map(|piece| piece.path.clone()).collect::<Vec<_>>();
        stream::iter(paths)
            .map(|path| async move { services.storage.delete(&path).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        abandoned::forget(&mut *services.db.get().await?, &pieces).await?;
        deleted += pieces.len();
    }
}
