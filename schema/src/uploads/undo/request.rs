//! Asking for an undo, and giving it up.

use crate::DbError;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::UploadId;
use uuid::Uuid;

/// Marks an upload as about to be undone by that job; `false` when it does not stand where it can be. A job that still
/// processes it loses its hold here.
pub async fn request(connection: &mut AsyncPgConnection, id: UploadId, job: Uuid) -> Result<bool, DbError> {
    let marked = diesel::sql_query(
        "WITH s AS (SELECT u.id, j.state FROM file_uploads u LEFT JOIN jobs j ON j.id = u.job_id \
             WHERE u.id = $1 AND NOT u.dry_run AND (u.upload_status IN ('completed', 'failed', 'cancelled') \
               OR u.upload_status IN ('processing', 'undoing') AND j.state IN ('discarded', 'cancelled')) \
             FOR UPDATE OF u), \
           u AS (UPDATE file_uploads f SET upload_status = 'undoing', job_id = $2, updated_at = now() \
             FROM s WHERE f.id = s.id) \
         UPDATE upload_batches b SET updated_at = now(), status = CASE WHEN b.status <> 'processing' THEN b.status \
             WHEN s.state = 'discarded' THEN 'failed' ELSE 'cancelled' END \
         FROM s WHERE b.upload_id = s.id",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<SqlUuid, _>(job);
    Ok(marked.execute(connection).await? == 1)
}

/// Puts an upload that could not be undone back to where it stood, with the reason.
pub async fn give_up(connection: &mut AsyncPgConnection, id: UploadId, reason: &str) -> Result<(), DbError> {
    diesel::sql_query(
        "UPDATE file_uploads u SET upload_status = b.status, updated_at = now(), \
           error_details = COALESCE(u.error_details, '{}') || jsonb_build_object('undo', $2) \
         FROM upload_batches b WHERE u.id = $1 AND b.upload_id = u.id AND u.upload_status = 'undoing'",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Text, _>(reason)
    .execute(connection)
    .await?;
    Ok(())
}
