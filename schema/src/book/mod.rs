//! The book as people look at it: customers, policies and renewal cases, a page at a time, newest first.
//!
//! Nothing is read without saying whose rows. Every filter has an index. Nothing is counted further than the caller asks.

pub mod cases;
pub mod customers;
pub mod policies;

pub use crate::Part;
