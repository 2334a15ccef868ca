//! Writes the chunks of a file into the book, in order, each with its checkpoint, and tells how far it has come.

use super::error::UploadError;
use super::reader::Reader;
use crate::JobContext;
use schema::uploads::import::{Chunk, ImportRun, analyze, write_chunk};
use schema::uploads::processing::Begun;

/// From so many records on the planner's statistics are brought up to date at the end.
const LARGE: i32 = 20_000;

/// Writes everything the reader brings; answers with the last row of the file.
pub(super) async fn import(
    context: &JobContext,
    begun: &Begun,
    run: &ImportRun<'_>,
    total: i32,
    mut reader: Reader,
) -> Result<i32, UploadError> {
    let note = if run.dry_run { "checking rows" } else { "importing rows" };
    let db = &context.services.db;
    let (mut done, mut last_row) = (begun.processed_records, begun.checkpoint_row);
    let tell = |done: i32| context.report(i64::from(done), Some(i64::from(total)), note.to_owned());
    tell(done);
    while let Some(chunk) = reader.next().await {
        write_chunk(db, run, &chunk).await?;
        done += records(&chunk);
        last_row = chunk.last_row;
        tell(done);
    }
    reader.end().await?;
    if !run.dry_run
        && done >= LARGE
        && let Err(error) = analyze(db).await
    {
        // autovacuum does it later
        tracing::warn!(upload = run.upload, error = &error as &dyn std::error::Error, "statistics were not renewed");
    }
    Ok(last_row)
}

fn records(chunk: &Chunk) -> i32 {
    i32::try_from(chunk.rows.len()).unwrap_or(i32::MAX).saturating_add(chunk.faulty)
}
