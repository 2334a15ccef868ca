//! Uploads as callers see them.

use crate::{
    error::{ApiError, ApiResult},
    request::{Id, Name},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ids::{UploadId, UserId},
    upload::UploadStatus,
};
use poem_openapi::Object;
use schema::{DbError, uploads::file::Upload};
use serde_json::Value;
use uuid::Uuid;

/// A file that was taken in.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Submitted {
    /// Its id.
    pub upload_id: Id<UploadId>,
    /// As it is shown and downloaded.
    pub filename: String,
    /// `processing`: it waits to be read.
    pub status: Name<UploadStatus>,
    /// Its rows, once they are counted.
    pub total_records: Option<i32>,
    /// For people.
    pub estimated_processing_time: String,
    /// Reads it.
    pub job_id: Uuid,
    /// Whether it is only tried.
    pub dry_run: bool,
    /// In bytes.
    pub file_size: u64,
}

impl Submitted {
    /// A file that waits for its job.
    pub fn new(id: UploadId, filename: String, job: Uuid, dry_run: bool, size: u64, file_type: &str) -> Self {
        Self {
            upload_id: Id(id),
            filename,
            status: Name(UploadStatus::Processing),
            total_records: None,
            estimated_processing_time: estimate(size, file_type),
            job_id: job,
            dry_run,
            file_size: size,
        }
    }
}

/// Why an upload ended without being read.
#[derive(Debug, Object)]
pub struct UploadFault {
    /// Stable, for programs.
    code: String,
    /// For people.
    message: String,
}

/// An upload and its figures.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadSummary {
    /// Its id.
    upload_id: Id<UploadId>,
    /// As it is shown and downloaded.
    filename: String,
    /// In bytes.
    file_size: i64,
    /// By its content: `xlsx`, `xlsb`, `xls`, `ods`, `csv`; `unknown` while its pieces come in.
    file_type: String,
    /// What its uploader said.
    description: Option<String>,
    /// Where it stands.
    status: Name<UploadStatus>,
    /// Whether it is only tried.
    dry_run: bool,
    /// Its rows, once they are counted.
    total_records: Option<i32>,
    /// Rows read so far.
    processed_records: i32,
    /// Rows that are in the book.
    successful_records: i32,
    /// Rows that were refused.
    failed_records: i32,
    /// Policies that are new.
    created_records: i32,
    /// Policies that were changed or renewed.
    updated_records: i32,
    /// How long reading took, or has taken so far: `2m 15s`.
    processing_time: Option<String>,
    /// Why it was not read.
    error: Option<UploadFault>,
    /// Why it could not be undone, if that was tried.
    undo_refused: Option<String>,
    /// Reads it, or takes its effect back.
    job_id: Option<Uuid>,
    /// Who uploaded it.
    uploaded_by: Option<Id<UserId>>,
    /// The original.
    download_url: Option<String>,
    /// The refused rows as a workbook; absent if there are none.
    errors_url: Option<String>,
    /// When it came in.
    created_at: DateTime<Utc>,
    /// When reading began.
    processing_started_at: Option<DateTime<Utc>>,
    /// When reading ended.
    processing_completed_at: Option<DateTime<Utc>>,
}

impl UploadSummary {
    /// As the row has it, at `now`.
    pub fn new(row: &Upload, now: DateTime<Utc>) -> ApiResult<Self> {
        let id = UploadId(row.id);
        let status = status(row)?;
        let ended = row.processing_completed_at.or(row.job_finished_at);
        let took = row.processing_started_at.map(|began| {
            let running = if status == UploadStatus::Processing { Some(now) } else { None };
            duration(ended.or(running).unwrap_or(began) - began)
        });
        Ok(Self {
            upload_id: Id(id),
            filename: row.filename.clone(),
            file_size: row.file_size,
            file_type: row.file_type.clone(),
            description: row.description.clone(),
            status: Name(status),
            dry_run: row.dry_run,
            total_records: row.total_records,
            processed_records: row.processed_records,
            successful_records: row.successful_records,
            failed_records: row.failed_records,
            created_records: row.created_records,
            updated_records: row.updated_records,
            processing_time: took,
            error: fault(row, status),
            undo_refused: detail(row, "undo"),
            job_id: row.job_id,
            uploaded_by: row.uploaded_by.map(|user| Id(UserId(user))),
            download_url: row.upload_path.as_ref().map(|_| format!("/api/upload/download/{id}")),
            errors_url: (row.failed_records > 0).then(|| format!("/api/upload/errors/{id}")),
            created_at: row.created_at,
            processing_started_at: row.processing_started_at,
            processing_completed_at: row.processing_completed_at,
        })
    }
}

/// Where an upload stands.
pub fn status(row: &Upload) -> ApiResult<UploadStatus> {
    let unknown = DbError::Unknown { table: "file_uploads", column: "upload_status" };
    row.status.parse().map_err(|_| ApiError::from(unknown))
}

fn detail(row: &Upload, name: &str) -> Option<String> {
    row.error_details.as_ref()?.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn fault(row: &Upload, status: UploadStatus) -> Option<UploadFault> {
    let unsaid = match status {
        UploadStatus::Failed => ("processing_failed", "reading the file was given up; its job says more"),
        UploadStatus::Cancelled => ("cancelled", "reading the file was cancelled"),
        _ => return None,
    };
    let code = detail(row, "code").unwrap_or_else(|| unsaid.0.to_owned());
    let message = detail(row, "message").unwrap_or_else(|| unsaid.1.to_owned());
    Some(UploadFault { code, message })
}

/// `45s`, `2m 15s`, `1h 3m`.
fn duration(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) if seconds == 0 => format!("{}ms", time.num_milliseconds().max(0)),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// How long reading will take, roughly: workbooks are compressed, so a byte of them holds more.
fn estimate(size: u64, file_type: &str) -> String {
    const CSV_BYTES_A_MINUTE: u64 = 100 << 20;
    const WORKBOOK_BYTES_A_MINUTE: u64 = 20 << 20;
    let rate = if file_type == "csv" { CSV_BYTES_A_MINUTE } else { WORKBOOK_BYTES_A_MINUTE };
    match size / rate {
        0 => "under a minute".to_owned(),
        minutes => format!("{minutes}-{} minutes", minutes + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        for (millis, text) in [(0, "0ms"), (400, "400ms"), (45_000, "45s"), (135_000, "2m 15s"), (3_780_000, "1h 3m")] {
            assert_eq!(duration(TimeDelta::milliseconds(millis)), text);
        }
        assert_eq!(estimate(1 << 20, "csv"), "under a minute");
        assert_eq!(estimate(45 << 20, "xlsx"), "2-3 minutes");
    }
}
