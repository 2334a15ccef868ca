//! The ledger of jobs: every statement that enqueues, claims, renews, finishes, rescues, relays, lists or prunes them.
//!
//! All statements are set-based and fenced where two processes could disagree. Leases run on the database's clock, so
//! that hosts whose clocks differ cannot take each other's jobs; `run_at` and retention follow the time passed in.
//! Everything fails with [`DbError`](crate::DbError); what is transient may be tried again as it is, since a statement
//! that took effect finds nothing to do the second time.

pub mod cancel;
pub mod claim;
pub mod enqueue;
pub mod epoch;
pub mod family;
pub mod finish;
pub mod heartbeat;
pub mod list;
pub mod minutes;
pub mod overview;
pub mod pause;
pub mod relay;
pub mod rescue;
pub mod retention;
pub mod retry;
pub mod state;
mod wake;
pub mod workers;

pub use state::JobState;
pub use wake::wake;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{SmallInt, Uuid as SqlUuid, Varchar};
use uuid::Uuid;

/// The `run_at` of a continuation whose parent is not done: a finite time that never comes.
pub fn waiting() -> DateTime<Utc> {
    /// 9999-12-31T00:00:00Z
    const SECONDS: i64 = 253_402_214_400;
    DateTime::from_timestamp(SECONDS, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A job that may run now and whose id should be pushed to the workers of its queue.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Ready {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its queue's wire name.
    #[diesel(sql_type = Varchar)]
    pub queue: String,
    /// Its level, 0 the most urgent.
    #[diesel(sql_type = SmallInt)]
    pub priority: i16,
}
