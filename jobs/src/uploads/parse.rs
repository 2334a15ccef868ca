//! Reads an uploaded file into the book, or, on a dry run, tells what doing so would change.
//!
//! Every chunk is committed with the row it ends at, so an attempt that was cut short is gone on with from there. What
//! is wrong with the file ends the upload as `failed`; what is wrong around it is tried again.

use super::error::UploadError;
use super::options::UploadOptions;
use super::original::Original;
use super::reader::Reader;
use super::{finish, import, table};
use crate::sheets::{Book, Table};
use crate::{Decision, JobContext, JobError};
use domain::ids::UploadId;
use domain::local_day::local_day;
use schema::uploads::import::ImportRun;
use schema::uploads::processing::{self, Begun};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Processes an upload from wherever it stands.
pub async fn parse(upload: UploadId, context: &JobContext) -> Result<Decision, JobError> {
    let begun = processing::begin(&mut *context.services.db.get().await?, upload, context.now()).await?;
    let Some(begun) = begun else {
        // an attempt that was cut short after its last write, or whose answer was lost
        return Ok(finish::ended(upload, context).await?);
    };
    match process(upload, context, &begun).await {
        Ok(()) => Ok(finish::ended(upload, context).await?),
        Err(UploadError::Refused(refusal)) => {
            let refusal = finish::fail(upload, context, refusal).await?;
            Err(JobError::discard(refusal))
        }
        Err(other) => Err(other.into()),
    }
}

async fn process(upload: UploadId, context: &JobContext, begun: &Begun) -> Result<(), UploadError> {
    let options = UploadOptions::read(begun.options.as_ref())?;
    context.report(i64::from(begun.processed_records), None, "opening the file".to_owned());
    let original = Original::fetch(&context.services.storage, begun.upload_path.as_deref()).await?;
    let (book, table, total) = open(original.path(), options.clone(), begun.total_records).await?;
    // the open file stays readable, and a worker that is killed leaves nothing on the disk
    drop(original);
    if begun.total_records == 0 {
        processing::set_total(&mut *context.services.db.get().await?, upload, total).await?;
    }
    let table = Arc::new(table);
    let run = ImportRun {
        upload: upload.0,
        batch: begun.batch_id,
        layout: &table.layout,
        started_at: begun.started_at,
        today: local_day(begun.started_at, begun.time_zone.as_deref()),
        default_branch: begun.branch_id,
        reach: begun.reach()?,
        dry_run: begun.dry_run,
    };
    let rules = options.rules(run.today, book.date_system());
    let reader = Reader::start(book, table.clone(), rules, begun.checkpoint_row);
    let last_row = import::import(context, begun, &run, total, reader).await?;
    finish::complete(upload, context, last_row).await
}

/// Opens the file, finds its table, and counts its records unless an earlier attempt has.
async fn open(path: PathBuf, options: UploadOptions, known_total: i32) -> Result<(Book, Table, i32), UploadError> {
    let stop = CancellationToken::new();
    let _stopped_when_dropped = stop.clone().drop_guard();
    let opened = tokio::task::spawn_blocking(move || {
        let (mut book, table) = table::open(&path, &options)?;
        let total = if known_total > 0 { known_total } else { table::count(&mut book, &table, &stop)? };
        Ok::<_, UploadError>((book, table, total))
    });
    opened.await?
}
