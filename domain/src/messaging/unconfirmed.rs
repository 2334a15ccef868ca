//! What an account does about a message of which nobody knows whether the provider took it.
//!
//! It is waited for, and then closed by the account's policy. It is never sent again on a guess: only a provider's proof
//! that it never had the message makes a further attempt.

use crate::text_enum::text_enum;
use chrono::TimeDelta;

text_enum! {
    /// What stands in for a provider's word that never came.
    pub enum UnconfirmedEnd {
        /// Nothing: its outcome stays unknown.
        Unconfirmed = "unconfirmed",
        /// It counts as sent.
        Sent = "sent",
        /// It counts as failed.
        Failed = "failed",
    }
}

/// How long an account waits for its provider's word, and what stands in for it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnconfirmedPolicy {
    /// How long.
    pub after: TimeDelta,
    /// What then.
    pub end: UnconfirmedEnd,
}

impl UnconfirmedPolicy {
    /// The shortest wait, in minutes: a provider that can be asked is asked before.
    pub const SHORTEST: i32 = 15;
    /// The longest, in minutes: no provider tells of a message after a week.
    pub const LONGEST: i32 = 7 * 24 * 60;

    /// The wait in whole minutes.
    pub fn minutes(&self) -> i32 {
        i32::try_from(self.after.num_minutes()).unwrap_or(Self::LONGEST)
    }
}

impl Default for UnconfirmedPolicy {
    fn default() -> Self {
        Self { after: TimeDelta::hours(24), end: UnconfirmedEnd::Unconfirmed }
    }
}
