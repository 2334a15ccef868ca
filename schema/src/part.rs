//! Parts of lists, and how many entries there are.

use diesel::{QueryableByName, sql_types::BigInt};

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Entries to skip.
    pub offset: i64,
    /// Entries to read.
    pub limit: i64,
    /// Counting goes up to one more than this.
    pub count_cap: i64,
}

/// The answer of a query that counts; the column is called `count`.
#[derive(QueryableByName)]
pub(crate) struct Count {
    #[diesel(sql_type = BigInt)]
    pub(crate) count: i64,
}
