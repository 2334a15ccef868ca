//! What is known of the rows of one chunk before any of them is applied.

use super::{case::KnownCase, customer::KnownCustomer, policy::KnownPolicy};
use std::collections::HashMap;

/// The answers of the look-ups; what was not found is absent.
#[derive(Debug, Default)]
pub struct Known {
    /// By policy number.
    pub policies: HashMap<String, KnownPolicy>,
    /// By customer code.
    pub customers: HashMap<String, KnownCustomer>,
    /// By policy.
    pub cases: HashMap<i64, Vec<KnownCase>>,
    /// By code or name, in lower case.
    pub branches: HashMap<String, i64>,
    /// By email address, in lower case.
    pub agents: HashMap<String, i64>,
    /// Rows of the same file that a dry run has seen before this chunk, by policy number.
    pub previewed: HashMap<String, i32>,
}
