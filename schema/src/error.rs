//! What can go wrong between us and PostgreSQL.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A query, a connection or a migration failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The statement was refused or the connection broke while it ran.
    #[error("query failed")]
    Query(#[from] DieselError),
    /// No connection could be had in time.
    #[error("no database connection")]
    Pool(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement on an import connection failed.
    #[error("import statement failed")]
    Import(#[from] tokio_postgres::Error),
    /// A migration failed, or the database is not at the version this program needs.
    #[error("migration failed: {0}")]
    Migration(String),
    /// The address of the database cannot be read.
    #[error("DATABASE_URL cannot be read: {0}")]
    Url(String),
    /// A stored value is not one this program knows.
    #[error("{table}.{column} holds an unknown value")]
    Unknown {
        /// Where it was found.
        table: &'static str,
        /// In which column.
        column: &'static str,
    },
}

impl DbError {
    /// Whether the same statement may succeed later: lost connections, deadlocks, serialization failures, time-outs.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Query(DieselError::DatabaseError(kind, info)) => match kind {
                DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction => true,
                // diesel has no kinds for these: deadlocks, cancelled statements and servers going down
                DatabaseErrorKind::Unknown => {
                    let text = info.message();
                    ["deadlock", "connection", "closed", "terminating", "starting up", "shutting down", "recovery"]
                        .iter()
                        .any(|sign| text.contains(sign))
                }
                _ => false,
            },
            Self::Query(DieselError::BrokenTransactionManager) => true,
            Self::Import(error) => error.is_closed() || error.as_db_error().is_none(),
            _ => false,
        }
    }

    /// Whether the server gave up on the statement because it took too long.
    pub fn is_statement_timeout(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(_, info)) => info.message().contains("statement timeout"),
            _ => false,
        }
    }

    /// The unique constraint that was violated, if that is what happened.
    pub fn unique_violation(&self) -> Option<&str> {
        match self {
            Self::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)) => {
                Some(info.constraint_name().unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether the row asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Query(DieselError::NotFound))
    }
}
