//! Writes the refused rows of an upload back into a workbook for the uploader, and keeps it in storage.
//!
//! Run again it writes the same report over the first. An original that is gone or can no longer be read ends the job;
//! faults of storage, database and disk are tried again.

use super::error::UploadError;
use super::options::UploadOptions;
use super::original::Original;
use super::table;
use crate::sheets::Limits;
use crate::sheets::error_report::{ReportError, ReportFault, write_error_report};
use crate::{Decision, JobContext};
use domain::ids::UploadId;
use schema::uploads::findings::{self, Fault};
use schema::uploads::processing;
use serde_json::json;
use std::path::Path;

/// No report is longer: it has at most as many rows as faults are recorded for.
const LONGEST_REPORT: u64 = 1024 * 1024 * 1024;

/// Builds the report of an upload that has refused rows.
pub async fn build(upload: UploadId, context: &JobContext) -> Result<Decision, UploadError> {
    let services = &context.services;
    let (original, faults) = {
        let mut connection = services.db.get().await?;
        let original = processing::original(&mut connection, upload).await?;
        (original, findings::all_faults(&mut connection, upload).await?)
    };
    let Some(original) = original else { return Ok(Decision::done()) };
    if faults.is_empty() {
        return Ok(Decision::done_with(&json!({ "rows": 0 })));
    }
    let options = UploadOptions::read(original.options.as_ref())?;
    let file = Original::fetch(&services.storage, original.upload_path.as_deref()).await?;
    let (source, target) = (file.path(), file.folder().join("report.xlsx"));
    let written = {
        let target = target.clone();
        tokio::task::spawn_blocking(move || write(&source, &options, faults, &target))
    };
    let rows = written.await??;
    let key = format!("reports/{upload}-errors.xlsx");
    services.storage.put_file(&key, &target, LONGEST_REPORT).await?;
    processing::set_report(&mut *services.db.get().await?, upload, &key).await?;
    Ok(Decision::done_with(&json!({ "rows": rows })))
}

fn write(source: &Path, options: &UploadOptions, faults: Vec<Fault>, target: &Path) -> Result<u64, UploadError> {
    let (_, table) = table::open(source, options)?;
    let faults = faults.into_iter().map(|fault| ReportFault {
        row: u32::try_from(fault.row_number).unwrap_or(u32::MAX),
        column: fault.column_name,
        message: fault.message,
    });
    write_error_report(source, &Limits::default(), &table, faults, target).map_err(|error| match error {
        ReportError::Source(error) => error.into(),
        ReportError::Write(error) => UploadError::Report(Box::new(error)),
    })
}
