//! Files in pieces as callers announce and see them.

use super::metadata::{Metadata, Options};
use crate::{
    error::{ApiError, ApiResult},
    request::{Id, Name},
    state::SharedState,
};
use chrono::{DateTime, Utc};
use domain::{ids::UploadId, upload::UploadStatus};
use poem_openapi::{ApiResponse, Object, payload::Json};
use schema::{DbError, uploads::chunked::Receiving as Row};

use crate::envelope::Success;

/// A file that is to come in pieces.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Announced {
    /// The file's name.
    #[oai(validator(min_length = 1, max_length = 1000))]
    pub filename: String,
    /// Of the whole file, in bytes.
    #[oai(validator(minimum(value = "1")))]
    pub size: i64,
    /// Of the whole file, in hexadecimal; held against what has come in when it is completed.
    #[oai(validator(min_length = 64, max_length = 64, pattern = "^[0-9a-fA-F]*$"))]
    pub sha256: Option<String>,
    /// For people.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// How it is to be read.
    options: Option<Options>,
}

impl Announced {
    /// What is said about the file.
    pub fn metadata(&mut self) -> Metadata {
        Metadata::new(self.description.take(), self.options.take())
    }

    /// 413 for a file longer than is taken, 400 for a hash that is none.
    pub fn check(&self, state: &SharedState) -> ApiResult<()> {
        let limit = state.config.http.max_upload_bytes;
        if u64::try_from(self.size).is_ok_and(|size| size > limit) {
            return Err(ApiError::too_large(limit));
        }
        let is_hex = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match &self.sha256 {
            Some(hash) if !is_hex(hash) => Err(ApiError::invalid("sha256", "expected 64 hexadecimal digits")),
            _ => Ok(()),
        }
    }
}

/// How much of a file has come in.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Receiving {
    /// Its id.
    upload_id: Id<UploadId>,
    /// As it is shown and downloaded.
    filename: String,
    /// `receiving`, until it is completed.
    status: Name<UploadStatus>,
    /// Of the whole file, in bytes.
    size: i64,
    /// What has come in, in bytes: where the next piece begins.
    pub offset: i64,
    /// The shortest piece that is taken, but for the last.
    min_piece_size: i64,
    /// Whether it is only to be tried.
    dry_run: bool,
    /// When it was announced.
    created_at: DateTime<Utc>,
}

impl Receiving {
    /// A file of which that much has come in.
    pub fn new(row: &Row, offset: i64) -> ApiResult<Self> {
        let unknown = DbError::Unknown { table: "file_uploads", column: "upload_status" };
        let status = row.upload_status.parse().map_err(|_| unknown)?;
        Ok(Self {
            upload_id: Id(UploadId(row.id)),
            filename: row.filename.clone(),
            status: Name(status),
            size: row.file_size,
            offset,
            min_piece_size: shortest_piece(row.file_size),
            dry_run: row.dry_run,
            created_at: row.created_at,
        })
    }
}

/// Pieces of a file at most.
const MOST_PIECES: i64 = 10_000;

/// The shortest piece of a file of that size, but for the last: so that they stay countable.
pub fn shortest_piece(size: i64) -> i64 {
    size / MOST_PIECES + 1
}

/// An answer that tells the offset in its header as well.
#[derive(ApiResponse)]
pub enum Offset {
    /// How much has come in.
    #[oai(status = 200)]
    Ok(
        Json<Success<Receiving>>,
        /// Where the next piece begins, in bytes.
        #[oai(header = "Upload-Offset")]
        i64,
    ),
}

impl Offset {
    /// 200 with the offset.
    pub fn of(receiving: Receiving) -> Self {
        let offset = receiving.offset;
        Self::Ok(Json(Success { success: true, data: receiving }), offset)
    }
}
