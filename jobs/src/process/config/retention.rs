//! How long finished work is kept.

use super::{Reader, parse_duration};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Ages past which rows are pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Jobs that succeeded or were cancelled.
    pub finished_jobs: Duration,
    /// Jobs that were given up.
    pub discarded_jobs: Duration,
    /// Webhooks that have been applied.
    pub applied_events: Duration,
    /// Files of single mails, from when the mail is done with.
    pub message_files: Duration,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { finished_jobs: 7 * DAY, discarded_jobs: 30 * DAY, applied_events: 30 * DAY, message_files: 30 * DAY }
    }
}

impl RetentionConfig {
    /// `JOBS_RETENTION`, `DISCARDED_JOBS_RETENTION`, `EVENTS_RETENTION`, `MESSAGE_FILES_RETENTION`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let defaults = Self::default();
        let mut age = |name, default| {
            let parse = |text: &str| parse_duration(text).filter(|age| !age.is_zero());
            reader.checked(name, default, "a duration such as 7d", parse)
        };
        Self {
            finished_jobs: age("JOBS_RETENTION", defaults.finished_jobs),
            discarded_jobs: age("DISCARDED_JOBS_RETENTION", defaults.discarded_jobs),
            applied_events: age("EVENTS_RETENTION", defaults.applied_events),
            message_files: age("MESSAGE_FILES_RETENTION", defaults.message_files),
        }
    }
}
