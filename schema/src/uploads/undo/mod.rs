//! Takes back what an upload wrote, all of it or nothing, while nobody has acted on it.
//!
//! Everything an upload writes bears the time it began, so that a row changed since is told by its `updated_at`. What
//! stands in the way is named; an undo never overwrites somebody else's work.

mod request;
mod statements;

pub use request::{give_up, request};

use crate::{Db, DbError};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::ids::UploadId;
use tokio_postgres::error::SqlState;

/// Something that was done with what the upload wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// In the plural: `cases that were worked on`.
    pub what: String,
    pub count: i64,
}

/// What an undo did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undone {
    pub cases_deleted: u64,
    pub cases_restored: u64,
    pub policies_deleted: u64,
    pub policies_restored: u64,
    pub customers_deleted: u64,
    pub customers_restored: u64,
}

/// An upload was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// Somebody has acted on it.
    #[error("{}", tell(.0))]
    Acted(Vec<Obstacle>),
    /// It is not being undone (any more).
    #[error("the upload is not waiting to be undone")]
    NotUndoing,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<tokio_postgres::Error> for UndoError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Db(error.into())
    }
}

fn tell(obstacles: &[Obstacle]) -> String {
    let told: Vec<String> = obstacles.iter().map(|obstacle| format!("{} {}", obstacle.count, obstacle.what)).collect();
    format!("the upload can no longer be undone: there are {}", told.join(", "))
}

/// Takes everything back, in one transaction, and marks the upload as undone.
pub async fn undo(db: &Db, upload: UploadId, now: DateTime<Utc>) -> Result<Undone, UndoError> {
    match try_undo(db, upload, now).await {
        // what was inserted behind our back refers to something of the upload
        Err(UndoError::Db(DbError::Import(error))) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) => {
            Err(UndoError::Acted(vec![Obstacle { what: "records that refer to it".to_owned(), count: 1 }]))
        }
        outcome => outcome,
    }
}

async fn try_undo(db: &Db, upload: UploadId, now: DateTime<Utc>) -> Result<Undone, UndoError> {
    const HOLD: &str = "SELECT b.id, u.processing_started_at FROM file_uploads u \
        JOIN upload_batches b ON b.upload_id = u.id WHERE u.id = $1 AND u.upload_status = 'undoing' FOR UPDATE";
    const MARK: &str = "WITH b AS (UPDATE upload_batches SET status = 'undone', updated_at = now() \
          WHERE upload_id = $1) \
        UPDATE file_uploads SET upload_status = 'undone', updated_at = $2 WHERE id = $1";
    let mut connection = db.import().await?;
    let transaction = connection.transaction().await?;
    let Some(held) = transaction.query_opt(HOLD, &[&upload.0]).await? else { return Err(UndoError::NotUndoing) };
    let began: Option<DateTime<Utc>> = held.try_get(1)?;
    let undone = match began {
        // nothing was written before the first run began
        None => Undone::default(),
        Some(began) => take_back(&transaction, upload.0, held.try_get(0)?, began).await?,
    };
    transaction.execute("DELETE FROM upload_changes WHERE upload_id = $1", &[&upload.0]).await?;
    transaction.execute(MARK, &[&upload.0, &now]).await?;
    transaction.commit().await?;
    Ok(undone)
}

/// What stands in the way of undoing an upload, without a promise that it stays so.
pub async fn obstacles(db: &Db, upload: UploadId) -> Result<Vec<Obstacle>, DbError> {
    const RUN: &str = "SELECT b.id, u.processing_started_at FROM file_uploads u \
        JOIN upload_batches b ON b.upload_id = u.id WHERE u.id = $1 AND u.processing_started_at IS NOT NULL";
    let mut connection = db.import().await?;
    let transaction = connection.transaction().await?;
    let Some(run) = transaction.query_opt(RUN, &[&upload.0]).await? else { return Ok(Vec::new()) };
    in_the_way(&transaction, upload.0, run.try_get(0)?, run.try_get(1)?).await
}

async fn in_the_way(
    transaction: &Transaction<'_>,
    upload: i64,
    batch: i64,
    began: DateTime<Utc>,
) -> Result<Vec<Obstacle>, DbError> {
    let found = transaction.query(statements::OBSTACLES, &[&upload, &batch, &began]).await?;
    let mut obstacles = Vec::new();
    for row in found {
        let obstacle = Obstacle { what: row.try_get(0)?, count: row.try_get(1)? };
        if obstacle.count > 0 {
            obstacles.push(obstacle);
        }
    }
    Ok(obstacles)
}

async fn take_back(
    transaction: &Transaction<'_>,
    upload: i64,
    batch: i64,
    began: DateTime<Utc>,
) -> Result<Undone, UndoError> {
    let obstacles = in_the_way(transaction, upload, batch, began).await?;
    if !obstacles.is_empty() {
        return Err(UndoError::Acted(obstacles));
    }
    let undone = Undone {
        cases_deleted: transaction
            .execute("DELETE FROM renewal_cases WHERE batch_id = $1 AND updated_at = $2", &[&batch, &began])
            .await?,
        cases_restored: transaction.execute(statements::RESTORE_CASES, &[&upload, &began]).await?,
        policies_deleted: transaction
            .execute("DELETE FROM policies WHERE created_by_upload = $1 AND updated_at = $2", &[&upload, &began])
            .await?,
        policies_restored: transaction.execute(statements::RESTORE_POLICIES, &[&upload, &began]).await?,
        customers_restored: transaction.execute(statements::RESTORE_CUSTOMERS, &[&upload, &began]).await?,
        customers_deleted: transaction.execute(statements::DELETE_CUSTOMERS, &[&upload, &began]).await?,
    };
    if transaction.query_one(statements::LEFT_OVER, &[&upload, &batch]).await?.try_get(0)? {
        return Err(UndoError::Acted(vec![Obstacle { what: "records that are being worked on".to_owned(), count: 1 }]));
    }
    Ok(undone)
}
