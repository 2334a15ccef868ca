//! How a flow of messages ended, and what it did.

use chrono::{DateTime, Utc};

/// Why nothing more is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All of the batch was, or the turn is over.
    Batch,
    /// The campaign does not let this attempt send.
    Closed,
    /// Its pace lets nothing more go before this.
    Paced(DateTime<Utc>),
    /// Not before a time.
    Wait(DateTime<Utc>, String),
    /// The run was told to stop.
    Stopping,
    /// The database failed in between; what was in doubt has been put right.
    Interrupted,
}

/// What a flow has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Accepted by the provider.
    pub accepted: u64,
    /// Refused for good.
    pub failed: u64,
    /// To be tried again.
    pub again: u64,
    /// Of unknown outcome.
    pub unconfirmed: u64,
    /// Could not be written any more.
    pub suppressed: u64,
    /// Events the provider told in advance.
    #[serde(skip)]
    pub foretold: u64,
}
