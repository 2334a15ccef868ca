//! Writes a file's rows into the book, a chunk a transaction.
//!
//! The effect of a chunk and the checkpoint that tells of it are committed together, and only over the checkpoint the
//! chunk was read after: a worker that was thought dead, or a commit whose answer was lost, can double nothing. A chunk
//! that collides with another upload's is planned again. What else fails is the caller's: it may write the same chunk
//! again, or start over from the checkpoint.

mod change;
mod copy;
mod create;
mod lookup;
mod report;

pub use report::RECORDED_ROWS;

use crate::{Db, DbError};
use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::Transaction;
use domain::book::{ChunkPlan, Counts, Known, PlanRules, plan_chunk};
use domain::permissions::Reach;
use domain::upload::{Layout, PolicyRow, RowFault};
use tokio_postgres::error::SqlState;

/// How often a chunk is planned again over what another upload has written meanwhile.
const COLLISIONS: u32 = 20;

/// What holds for all chunks of one upload.
#[derive(Debug, Clone, Copy)]
pub struct ImportRun<'a> {
    pub upload: i64,
    /// Of `upload_batches`.
    pub batch: i64,
    /// Names the columns in faults.
    pub layout: &'a Layout,
    /// When the upload was first worked on. Everything it writes bears this time, so that an undo can tell what was
    /// touched since.
    pub started_at: DateTime<Utc>,
    /// That day in the insurer's time zone.
    pub today: NaiveDate,
    /// Of new policies whose row names no branch.
    pub default_branch: Option<i64>,
    /// What the uploader reaches: rows that would touch anything else are refused.
    pub reach: Reach,
    /// Whether nothing is to be written to the book.
    pub dry_run: bool,
}

impl ImportRun<'_> {
    /// A query that also locks what it finds, unless nothing will be written.
    fn locking(&self, query: &str, lock: &str) -> String {
        if self.dry_run { query.to_owned() } else { format!("{query}{lock}") }
    }
}

/// Consecutive rows of a file.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The good ones, by row.
    pub rows: Vec<PolicyRow>,
    /// Faults of the others, by row.
    pub faults: Vec<RowFault>,
    /// How many rows have faults.
    pub faulty: i32,
    /// The checkpoint it was read after.
    pub after: i32,
    /// Its last row; becomes the checkpoint.
    pub last_row: i32,
}

/// A chunk was not written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Somebody else is working on the upload, or it has been ended.
    #[error("row {expected} is not where the upload stands")]
    Superseded {
        /// The checkpoint that was expected.
        expected: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<tokio_postgres::Error> for ImportError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Db(error.into())
    }
}

impl ImportError {
    /// Whether another upload got in the way, so that the same chunk can be planned anew.
    fn is_collision(&self) -> bool {
        const COLLIDED: [&SqlState; 3] =
            [&SqlState::UNIQUE_VIOLATION, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::T_R_SERIALIZATION_FAILURE];
        match self {
            Self::Db(DbError::Import(error)) => error.code().is_some_and(|code| COLLIDED.contains(&code)),
            _ => false,
        }
    }
}

/// Writes a chunk, and says what it did; a chunk that is written already did nothing.
pub async fn write_chunk(db: &Db, run: &ImportRun<'_>, chunk: &Chunk) -> Result<Counts, ImportError> {
    let mut collisions = 0;
    loop {
        match try_chunk(db, run, chunk).await {
            Err(error) if error.is_collision() && collisions < COLLISIONS => {
                collisions += 1;
                tracing::debug!(upload = run.upload, collisions, "chunk collided with another upload");
            }
            outcome => return outcome,
        }
    }
}

async fn try_chunk(db: &Db, run: &ImportRun<'_>, chunk: &Chunk) -> Result<Counts, ImportError> {
    let mut connection = db.import().await?;
    let transaction = connection.transaction().await.map_err(DbError::from)?;
    // a chunk is small beside its tables: everything is looked up by index, and foreign keys too, whose plans are
    // made once a connection and may still see empty tables
    transaction.batch_execute("SET LOCAL jit = off; SET LOCAL enable_seqscan = off").await?;
    let Some(batch) = hold(&transaction, run, chunk).await? else { return Ok(Counts::default()) };
    let known = lookup::look_up(&transaction, run, &chunk.rows).await?;
    let plan = plan(run, chunk, &known);
    if run.dry_run {
        report::previews(&transaction, run, &plan.previews).await?;
    } else {
        write(&transaction, run, &plan).await?;
    }
    let faults = by_row(&chunk.faults, &plan.faults);
    report::faults(&transaction, run, &faults, RECORDED_ROWS - batch.failed).await?;
    let counts = Counts { failed: plan.counts.failed + chunk.faulty, ..plan.counts };
    advance(&transaction, run, chunk, &counts).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(counts)
}

fn plan(run: &ImportRun<'_>, chunk: &Chunk, known: &Known) -> ChunkPlan {
    let rules = PlanRules {
        layout: run.layout,
        upload: run.upload,
        today: run.today,
        default_branch: run.default_branch,
        reach: run.reach,
        preview: run.dry_run,
    };
    plan_chunk(&chunk.rows, known, &rules)
}

async fn write(transaction: &Transaction<'_>, run: &ImportRun<'_>, plan: &ChunkPlan) -> Result<(), DbError> {
    let customers = create::customers(transaction, run, plan).await?;
    let policies = create::policies(transaction, run, plan, &customers).await?;
    create::cases(transaction, run, plan, &policies).await?;
    change::apply(transaction, run, plan, &customers).await
}

/// The batch, held by this transaction.
struct Held {
    failed: i32,
}

/// Holds the batch at the checkpoint the chunk was read after; `None`: the chunk is written already.
async fn hold(transaction: &Transaction<'_>, run: &ImportRun<'_>, chunk: &Chunk) -> Result<Option<Held>, ImportError> {
    const HOLD: &str = "SELECT checkpoint_row, failed_records FROM upload_batches \
        WHERE id = $1 AND status = 'processing' FOR NO KEY UPDATE";
    let superseded = ImportError::Superseded { expected: chunk.after };
    let statement = transaction.prepare_cached(HOLD).await?;
    let Some(batch) = transaction.query_opt(&statement, &[&run.batch]).await? else { return Err(superseded) };
    let checkpoint: i32 = batch.try_get(0)?;
    if checkpoint == chunk.last_row {
        Ok(None)
    } else if checkpoint == chunk.after {
        Ok(Some(Held { failed: batch.try_get(1)? }))
    } else {
        Err(superseded)
    }
}

async fn advance(
    transaction: &Transaction<'_>,
    run: &ImportRun<'_>,
    chunk: &Chunk,
    counts: &Counts,
) -> Result<(), DbError> {
    const ADVANCE: &str = "UPDATE upload_batches SET checkpoint_row = $2, processed_records = processed_records + $3, \
        successful_records = successful_records + $4, failed_records = failed_records + $5, \
        created_records = created_records + $6, updated_records = updated_records + $7, updated_at = now() \
        WHERE id = $1";
    let successful = counts.successful();
    let statement = transaction.prepare_cached(ADVANCE).await?;
    transaction
        .execute(
            &statement,
            &[
                &run.batch,
                &chunk.last_row,
                &(successful + counts.failed),
                &successful,
                &counts.failed,
                &counts.created,
                &counts.updated,
            ],
        )
        .await?;
    Ok(())
}

/// Faults found in the cells and faults found in the book, by row.
fn by_row<'a>(cells: &'a [RowFault], book: &'a [RowFault]) -> Vec<&'a RowFault> {
    let mut faults: Vec<&RowFault> = cells.iter().chain(book).collect();
    faults.sort_by_key(|fault| fault.row);
    faults
}

/// Brings the planner's statistics up to date after a large import.
pub async fn analyze(db: &Db) -> Result<(), DbError> {
    let connection = db.import().await?;
    connection.batch_execute("ANALYZE customers, policies, renewal_cases").await?;
    Ok(())
}
