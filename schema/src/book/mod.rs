//! The book as people look at it: customers, policies and renewal cases, a page at a time, newest first.
//!
//! Every filter has an index. Nothing is counted further than the caller asks.

pub mod cases;
pub mod customers;
pub mod policies;

use diesel::sql_types::BigInt;

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

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}
