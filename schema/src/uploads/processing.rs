//! The course of an upload: begun by its job, ended by it, with totals or with the reason why not.

use crate::DbError;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{BranchId, UploadId, UserId},
    permissions::Reach,
};
use serde_json::{Value, json};

/// What processing an upload needs to know.
#[derive(Debug, Clone, QueryableByName)]
pub struct Begun {
    #[diesel(sql_type = BigInt)]
    pub batch_id: i64,
    #[diesel(sql_type = Text)]
    pub filename: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub upload_path: Option<String>,
    #[diesel(sql_type = Bool)]
    pub dry_run: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub options: Option<Value>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub branch_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub uploaded_by: Option<i64>,
    /// What the uploader reached.
    #[diesel(sql_type = Text)]
    pub scope: String,
    /// Of the uploader's branch.
    #[diesel(sql_type = Nullable<Text>)]
    pub time_zone: Option<String>,
    /// When the first run began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// The last row whose effect is committed.
    #[diesel(sql_type = Integer)]
    pub checkpoint_row: i32,
    #[diesel(sql_type = Integer)]
    pub processed_records: i32,
    /// Records of the file, once counted; 0 before.
    #[diesel(sql_type = Integer)]
    pub total_records: i32,
}

impl Begun {
    /// What the uploader reached. Whoever is not known any more reached nothing.
    pub fn reach(&self) -> Result<Reach, DbError> {
        let scope = self.scope.parse().map_err(|_| DbError::Unknown { table: "file_uploads", column: "scope" })?;
        Ok(Reach::of(scope, UserId(self.uploaded_by.unwrap_or_default()), self.branch_id.map(BranchId)))
    }
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Totals {
    #[diesel(sql_type = Integer)]
    pub processed_records: i32,
    #[diesel(sql_type = Integer)]
    pub successful_records: i32,
    #[diesel(sql_type = Integer)]
    pub failed_records: i32,
    #[diesel(sql_type = Integer)]
    pub created_records: i32,
    #[diesel(sql_type = Integer)]
    pub updated_records: i32,
}

/// Begins, or goes on with, the processing of an upload; `None` when there is nothing to process any more.
pub async fn begin(
    connection: &mut AsyncPgConnection,
    id: UploadId,
    now: DateTime<Utc>,
) -> Result<Option<Begun>, DbError> {
    let begun = diesel::sql_query(
        "WITH u AS (UPDATE file_uploads SET processing_started_at = COALESCE(processing_started_at, $2), \
             updated_at = now() WHERE id = $1 AND upload_status = 'processing' RETURNING *) \
         SELECT b.id AS batch_id, u.filename, u.upload_path, u.dry_run, u.options, u.branch_id, u.uploaded_by, u.scope, br.time_zone, \
             u.processing_started_at AS started_at, b.checkpoint_row, b.processed_records, \
             b.total_records \
         FROM u JOIN upload_batches b ON b.upload_id = u.id AND b.status = 'processing' \
           LEFT JOIN branches br ON br.id = u.branch_id",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Timestamptz, _>(now);
    Ok(begun.get_result(connection).await.optional()?)
}

/// How many records the file has, once that is known.
pub async fn set_total(connection: &mut AsyncPgConnection, id: UploadId, total: i32) -> Result<(), DbError> {
    diesel::sql_query("UPDATE upload_batches SET total_records = $2 WHERE upload_id = $1 AND status = 'processing'")
        .bind::<BigInt, _>(id.0)
        .bind::<Integer, _>(total)
        .execute(connection)
        .await?;
    Ok(())
}

/// How far an upload has come.
pub async fn totals(connection: &mut AsyncPgConnection, id: UploadId) -> Result<Totals, DbError> {
    let totals = diesel::sql_query(
        "SELECT processed_records, successful_records, failed_records, created_records, updated_records \
         FROM upload_batches WHERE upload_id = $1",
    );
    Ok(totals.bind::<BigInt, _>(id.0).get_result(connection).await?)
}

/// Ends an upload whose file was read to its end at `last_row`; `false` when somebody else has ended it or is still
/// ahead of the caller.
pub async fn complete(
    connection: &mut AsyncPgConnection,
    id: UploadId,
    last_row: i32,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let ended = diesel::sql_query(
        "WITH b AS (UPDATE upload_batches SET status = 'completed', total_records = processed_records, \
             updated_at = now() WHERE upload_id = $1 AND status = 'processing' AND checkpoint_row = $2 RETURNING *) \
         UPDATE file_uploads u SET upload_status = 'completed', total_records = b.processed_records, \
             successful_records = b.successful_records, failed_records = b.failed_records, \
             processing_completed_at = $3, updated_at = now() \
         FROM b WHERE u.id = b.upload_id AND u.upload_status = 'processing'",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Integer, _>(last_row)
    .bind::<Timestamptz, _>(now);
    Ok(ended.execute(connection).await? == 1)
}

/// Ends an upload that cannot be processed, with the reason; `false` when it has ended already.
pub async fn fail(
    connection: &mut AsyncPgConnection,
    id: UploadId,
    code: &str,
    message: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let details = json!({"code": code, "message": message});
    let ended = diesel::sql_query(
        "WITH b AS (UPDATE upload_batches SET status = 'failed', error_log = $2, updated_at = now() \
             WHERE upload_id = $1 AND status = 'processing' RETURNING *) \
         UPDATE file_uploads u SET upload_status = 'failed', error_details = $2, \
             total_records = NULLIF(b.processed_records, 0), successful_records = b.successful_records, \
             failed_records = b.failed_records, processing_completed_at = $3, updated_at = now() \
         FROM b WHERE u.id = b.upload_id AND u.upload_status = 'processing'",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Jsonb, _>(details)
    .bind::<Timestamptz, _>(now);
    Ok(ended.execute(connection).await? == 1)
}

/// Where the original of an upload lies and how it is read.
#[derive(Debug, Clone, QueryableByName)]
pub struct Original {
    #[diesel(sql_type = Nullable<Text>)]
    pub upload_path: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub options: Option<Value>,
}

/// The original of an upload.
pub async fn original(connection: &mut AsyncPgConnection, id: UploadId) -> Result<Option<Original>, DbError> {
    let query = diesel::sql_query("SELECT upload_path, options FROM file_uploads WHERE id = $1");
    Ok(query.bind::<BigInt, _>(id.0).get_result(connection).await.optional()?)
}

/// Where the error report lies.
pub async fn set_report(connection: &mut AsyncPgConnection, id: UploadId, path: &str) -> Result<(), DbError> {
    diesel::sql_query("UPDATE file_uploads SET error_report_path = $2, updated_at = now() WHERE id = $1")
        .bind::<BigInt, _>(id.0)
        .bind::<Text, _>(path)
        .execute(connection)
        .await?;
    Ok(())
}
