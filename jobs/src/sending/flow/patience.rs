//! Repeating a statement that may be repeated until it succeeds: more depends on it than on this run's time.

use schema::DbError;
use std::time::Duration;
use tokio::time::sleep;

/// Between tries of a statement that must succeed.
const STATEMENT_WAIT: Duration = Duration::from_millis(250);
/// How often it is tried.
const STATEMENT_TRIES: u32 = 240;

/// How often it was tried.
#[derive(Default)]
pub(super) struct Patience(u32);

impl Patience {
    /// Waits before the next try; fails with the error of the last.
    pub async fn after(&mut self, error: DbError) -> Result<(), DbError> {
        if self.0 >= STATEMENT_TRIES {
            return Err(error);
        }
        if self.0 == 0 {
            tracing::warn!(error = &error as &dyn std::error::Error, "tried again until it succeeds");
        }
        self.0 += 1;
        sleep(STATEMENT_WAIT).await;
        Ok(())
    }
}
