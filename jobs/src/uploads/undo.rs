//! Takes back what an upload wrote, all of it or nothing, while nobody has acted on it.

use crate::{Decision, JobContext, JobError};
use domain::ids::UploadId;
use schema::uploads::undo::{self, UndoError};
use serde_json::json;

/// Undoes an upload that is waiting for it. What stands in the way is told on the upload, which stays as it was.
pub async fn undo(upload: UploadId, context: &JobContext) -> Result<Decision, JobError> {
    let db = &context.services.db;
    match undo::undo(db, upload, context.now()).await {
        Ok(undone) => Ok(Decision::done_with(&json!({
            "uploadId": upload,
            "casesDeleted": undone.cases_deleted,
            "casesRestored": undone.cases_restored,
            "policiesDeleted": undone.policies_deleted,
            "policiesRestored": undone.policies_restored,
            "customersDeleted": undone.customers_deleted,
            "customersRestored": undone.customers_restored,
        }))),
        // an earlier attempt did it and could not say so
        Err(UndoError::NotUndoing) => Ok(Decision::done_with(&json!({ "uploadId": upload }))),
        Err(error @ UndoError::Acted(_)) => {
            undo::give_up(&mut *db.get().await?, upload, &error.to_string()).await?;
            Err(JobError::discard(error))
        }
        Err(error @ UndoError::Db(_)) => Err(JobError::retry(error)),
    }
}
