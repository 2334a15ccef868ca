//! The one place that reads the wall clock, so that tests can move it.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Tells the time; clones share one offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds by which this clock runs ahead of the machine's.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The present, to the microsecond, as the database keeps it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = Utc::now() + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed));
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Moves the clock forward (tests only; the database keeps its own).
    pub fn advance(&self, by: TimeDelta) {
        self.ahead.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}
