//! Statements that take no longer than somebody waits for them.
//!
//! Inside a transaction they are a part of it: it goes on, and its other statements may take as long as they do.

use crate::{DbError, reach::Statement};
use diesel::{QueryableByName, pg::Pg};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// The rows of a statement; `None` when the time is over.
pub(crate) async fn in_time<T: QueryableByName<Pg> + Send + 'static>(
    connection: &mut AsyncPgConnection,
    milliseconds: u32,
    statement: Statement,
) -> Result<Option<Vec<T>>, DbError> {
    let outcome = connection
        .transaction::<_, DbError, _>(async |connection| {
            connection
                .batch_execute(&format!("SET LOCAL statement_timeout = {milliseconds}; SET LOCAL jit = off"))
                .await?;
            let rows = statement.load(connection).await?;
            connection.batch_execute("SET LOCAL statement_timeout TO DEFAULT; SET LOCAL jit TO DEFAULT").await?;
            Ok(rows)
        })
        .await;
    match outcome {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.is_statement_timeout() => Ok(None),
        Err(error) => Err(error),
    }
}
