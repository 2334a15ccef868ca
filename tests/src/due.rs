//! What a stand-in is to tell, ordered by when, and among those of one time by number.

use tokio::time::Instant;

/// One thing to tell, when, and in which order among those of the same time.
#[derive(Debug)]
pub(crate) struct Due<T> {
    pub at: Instant,
    /// No two have the same.
    pub number: u64,
    pub what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Due<T> {}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
