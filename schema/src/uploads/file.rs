//! Uploaded files as people see them: to be listed, to be told apart, to be fetched again.

use crate::{Count, DbError, Part, reach::has_upload, tables::file_uploads};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::UploadId, permissions::Reach};
use serde_json::Value;
use uuid::Uuid;

/// Where an upload stands, over `file_uploads u`, its batch `b` and its job `j`.
const STATUS: &str = "CASE \
    WHEN u.upload_status = 'processing' AND j.state = 'discarded' THEN 'failed' \
    WHEN u.upload_status = 'processing' AND j.state = 'cancelled' THEN 'cancelled' \
    WHEN u.upload_status = 'undoing' AND j.state IN ('discarded', 'cancelled') THEN b.status \
    ELSE u.upload_status END";

const JOINED: &str =
    "file_uploads u LEFT JOIN upload_batches b ON b.upload_id = u.id LEFT JOIN jobs j ON j.id = u.job_id";

/// A file about to be recorded.
#[derive(Debug, Insertable)]
#[diesel(table_name = file_uploads)]
pub struct NewUpload<'a> {
    /// As it is shown and downloaded: without folders and control characters.
    pub filename: &'a str,
    /// As the caller named it.
    pub original_filename: &'a str,
    pub file_size: i64,
    /// What the first bytes promise.
    pub file_type: &'a str,
    /// In lower-case hexadecimal.
    pub sha256: Option<&'a str>,
    pub description: Option<&'a str>,
    /// `processing`, or `receiving` for one that comes in pieces.
    pub upload_status: &'a str,
    pub dry_run: bool,
    pub options: Option<&'a Value>,
    pub uploaded_by: Option<i64>,
    pub branch_id: Option<i64>,
    /// What the uploader reaches: the import reaches no further.
    pub scope: &'a str,
    /// Where in storage it lies.
    pub upload_path: Option<&'a str>,
    pub job_id: Option<Uuid>,
}

/// An upload with what is known of its processing.
#[derive(Debug, Clone, QueryableByName)]
pub struct Upload {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub filename: String,
    #[diesel(sql_type = BigInt)]
    pub file_size: i64,
    #[diesel(sql_type = Text)]
    pub file_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// As told by [`STATUS`].
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Bool)]
    pub dry_run: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub uploaded_by: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub upload_path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub error_report_path: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub processing_started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub processing_completed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub error_details: Option<Value>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub job_error: Option<String>,
    /// When the job ended, if it has.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub job_finished_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// `None`: not known yet.
    #[diesel(sql_type = Nullable<Integer>)]
    pub total_records: Option<i32>,
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

fn select(rest: &str) -> String {
    format!(
        "SELECT u.id, u.filename, u.file_size, u.file_type, u.description, {STATUS} AS status, u.dry_run, \
           u.uploaded_by, u.upload_path, u.error_report_path, u.processing_started_at, u.processing_completed_at, \
           u.error_details, u.job_id, j.error AS job_error, j.finished_at AS job_finished_at, u.created_at, \
           COALESCE(u.total_records, NULLIF(b.total_records, 0)) AS total_records, \
           COALESCE(b.processed_records, 0) AS processed_records, \
           COALESCE(b.successful_records, 0) AS successful_records, COALESCE(b.failed_records, 0) AS failed_records, \
           COALESCE(b.created_records, 0) AS created_records, COALESCE(b.updated_records, 0) AS updated_records \
         FROM {JOINED} {rest}"
    )
}

/// Records a file and, unless it is still coming in, the batch that will process it.
pub async fn insert(connection: &mut AsyncPgConnection, upload: &NewUpload<'_>) -> Result<UploadId, DbError> {
    let id: i64 = diesel::insert_into(file_uploads::table)
        .values(upload)
        .returning(file_uploads::id)
        .get_result(connection)
        .await?;
    if upload.upload_status == "processing" {
        open_batch(connection, id).await?;
    }
    Ok(UploadId(id))
}

/// The batch that will process an upload.
pub(super) async fn open_batch(connection: &mut AsyncPgConnection, upload: i64) -> Result<(), DbError> {
    diesel::sql_query(
        "INSERT INTO upload_batches (upload_id, file_name, uploaded_by, file_path) \
         SELECT id, filename, uploaded_by, upload_path FROM file_uploads WHERE id = $1 ON CONFLICT DO NOTHING",
    )
    .bind::<BigInt, _>(upload)
    .execute(connection)
    .await?;
    Ok(())
}

/// One upload in reach.
pub async fn find(connection: &mut AsyncPgConnection, reach: Reach, id: UploadId) -> Result<Option<Upload>, DbError> {
    let query = select(&format!("WHERE u.id = $1 AND {}", has_upload(reach)));
    Ok(diesel::sql_query(query).bind::<BigInt, _>(id.0).get_result(connection).await.optional()?)
}

/// Uploads in reach, newest first, of one status or all, and their number counted up to `count_cap` + 1.
pub async fn list(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    status: Option<&str>,
    part: Part,
) -> Result<(Vec<Upload>, i64), DbError> {
    let filter = format!("WHERE ($1::text IS NULL OR {STATUS} = $1) AND {}", has_upload(reach));
    let uploads =
        diesel::sql_query(select(&format!("{filter} ORDER BY u.created_at DESC, u.id DESC OFFSET $2 LIMIT $3")))
            .bind::<Nullable<Text>, _>(status)
            .bind::<BigInt, _>(part.offset)
            .bind::<BigInt, _>(part.limit)
            .load(connection)
            .await?;
    let count = format!("SELECT count(*) AS count FROM (SELECT 1 FROM {JOINED} {filter} LIMIT $2) listed");
    let count: Count = diesel::sql_query(count)
        .bind::<Nullable<Text>, _>(status)
        .bind::<BigInt, _>(part.count_cap + 1)
        .get_result(connection)
        .await?;
    Ok((uploads, count.count))
}

/// An upload in reach of the same bytes that stands in the book or is on its way there. Until the transaction ends
/// nobody else can ask about the same bytes, so that of two uploads at once the second sees the first.
pub async fn same_file(
    connection: &mut AsyncPgConnection,
    reach: Reach,
    sha256: &str,
) -> Result<Option<Upload>, DbError> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind::<Text, _>(sha256)
        .execute(connection)
        .await?;
    let query = select(&format!(
        "WHERE u.sha256 = $1 AND NOT u.dry_run AND NOT ({STATUS} = ANY($2)) AND {} ORDER BY u.id DESC LIMIT 1",
        has_upload(reach)
    ));
    let without_effect = ["receiving", "failed", "cancelled", "undone"];
    let query = diesel::sql_query(query).bind::<Text, _>(sha256).bind::<Array<Text>, _>(without_effect.as_slice());
    Ok(query.get_result(connection).await.optional()?)
}
