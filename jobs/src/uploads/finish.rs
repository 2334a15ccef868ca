//! The end of an upload: its totals or its reason, and the job that follows.

use super::error::{Refusal, UploadError};
use crate::kinds::build_error_report::BuildErrorReport;
use crate::{Decision, JobContext, NewJob};
use domain::{ids::UploadId, permissions::Reach};
use schema::uploads::findings::{self, CommonFault};
use schema::uploads::import::ImportError;
use schema::uploads::{file, processing};
use serde::Serialize;

/// The job's result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    upload_id: UploadId,
    status: &'a str,
    dry_run: bool,
    total_records: i32,
    successful_records: i32,
    failed_records: i32,
    created_records: i32,
    updated_records: i32,
}

/// Ends an upload that was read up to `last_row`: completed, or failed when none of its rows was good.
pub(super) async fn complete(upload: UploadId, context: &JobContext, last_row: i32) -> Result<(), UploadError> {
    let mut connection = context.services.db.get().await?;
    let totals = processing::totals(&mut connection, upload).await?;
    let ended = if totals.successful_records == 0 {
        let common = findings::most_common(&mut connection, upload).await?;
        let refusal = nothing_good(totals.failed_records, common.as_ref());
        processing::fail(&mut connection, upload, refusal.code, &refusal.message, context.now()).await?
    } else {
        processing::complete(&mut connection, upload, last_row, context.now()).await?
    };
    if ended { Ok(()) } else { Err(UploadError::Superseded(ImportError::Superseded { expected: last_row })) }
}

/// Ends an upload that cannot be read (any further), with the reason; tells what was written of it before.
pub(super) async fn fail(upload: UploadId, context: &JobContext, refusal: Refusal) -> Result<Refusal, UploadError> {
    let mut connection = context.services.db.get().await?;
    let refusal = match processing::totals(&mut connection, upload).await?.successful_records {
        0 => refusal,
        written => Refusal { message: format!("{} ({written} rows went in before that)", refusal.message), ..refusal },
    };
    // ended meanwhile: then that reason stands
    let _ended = processing::fail(&mut connection, upload, refusal.code, &refusal.message, context.now()).await?;
    tracing::info!(upload = upload.0, code = refusal.code, "upload refused");
    Ok(refusal)
}

/// What to say of an upload that has ended; its refused rows are written back by a job of their own.
pub(super) async fn ended(upload: UploadId, context: &JobContext) -> Result<Decision, UploadError> {
    let found = file::find(&mut *context.services.db.get().await?, Reach::All, upload).await?;
    let Some(found) = found else { return Ok(Decision::done()) };
    let is_over = matches!(found.status.as_str(), "completed" | "failed");
    if is_over && found.failed_records > 0 && found.error_report_path.is_none() {
        // an id is always JSON
        if let Ok(job) = NewJob::of(&BuildErrorReport { upload: upload.0 }) {
            context.then(job.created_by(context.created_by));
        }
    }
    Ok(Decision::done_with(&Outcome {
        upload_id: upload,
        status: &found.status,
        dry_run: found.dry_run,
        total_records: found.total_records.unwrap_or(found.processed_records),
        successful_records: found.successful_records,
        failed_records: found.failed_records,
        created_records: found.created_records,
        updated_records: found.updated_records,
    }))
}

/// Why a file without one good row is refused, in one line: its most common fault stands for all.
fn nothing_good(failed: i32, common: Option<&CommonFault>) -> Refusal {
    let all = format!("none of the {failed} rows can be imported");
    let message = match common {
        None => all,
        Some(fault) => {
            let column = fault.column_name.as_deref().map_or_else(String::new, |name| format!(", column \"{name}\""));
            format!(
                "{all}; most common ({} times), first in row {}{column}: {}",
                fault.count, fault.row_number, fault.message
            )
        }
    };
    Refusal::new("no_good_row", message)
}
