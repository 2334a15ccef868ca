//! From how a run ended to what the ledger records.

use crate::running::Reason;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::{Decision, JobError, Policy};
use schema::ledger::claim::Claimed;
use schema::ledger::finish::Outcome;
use std::error::Error;
use std::time::Duration;

/// A kind this program does not know may be one that a newer program does: it is put off, not given up.
const UNKNOWN_KIND_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// After a day of being put off it is given up.
const UNKNOWN_KIND_SNOOZES: i32 = 2_880;

/// Errors are kept up to this many characters.
const ERROR_LIMIT: usize = 2_000;

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// It said what is to happen.
    Decided(Decision),
    /// It failed.
    Failed(JobError),
    /// It panicked.
    Panicked(String),
    /// It took longer than its policy allows.
    TimedOut,
    /// It was told to stop, and did not in time.
    Dropped,
    /// No code for its kind.
    UnknownKind,
}

/// What is to be recorded.
pub fn of(ending: Ending, reason: Option<Reason>, claimed: &Claimed, policy: &Policy, now: DateTime<Utc>) -> Outcome {
    let failed = |error: String, after: Option<Duration>| {
        if claimed.attempt >= claimed.max_attempts {
            return Outcome::Discarded(error);
        }
        let wait = after.unwrap_or_else(|| policy.backoff_after(claimed.attempt, jitter(claimed)));
        Outcome::Retry { run_at: now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1)), error }
    };
    match (ending, reason) {
        (Ending::Decided(Decision::Done(result)), _) => Outcome::Succeeded(result),
        (Ending::Decided(Decision::Snooze { until, reason }), _) => {
            Outcome::Snooze { run_at: until, reason: reason.chars().take(200).collect() }
        }
        (Ending::Failed(JobError::Discard { source }), _) => Outcome::Discarded(told(source.as_ref())),
        // whatever else a run says that was told to stop: it stopped because it was told
        (_, Some(Reason::Cancelled)) => Outcome::Cancelled(None),
        (_, Some(Reason::Drain | Reason::LeaseLost)) => Outcome::GivenBack,
        (Ending::Decided(Decision::Cancelled), None) => Outcome::Cancelled(None),
        (Ending::Failed(JobError::Retry { source, after }), None) => failed(told(source.as_ref()), after),
        (Ending::Panicked(message), None) => failed(bounded(&format!("the run panicked: {message}")), None),
        (Ending::TimedOut, None) => failed(format!("the run took longer than {} s", policy.timeout.as_secs()), None),
        (Ending::Dropped, None) => Outcome::GivenBack,
        (Ending::UnknownKind, None) if claimed.snoozes < UNKNOWN_KIND_SNOOZES => {
            Outcome::Snooze { run_at: now + UNKNOWN_KIND_PAUSE, reason: "no worker knows this kind".to_owned() }
        }
        (Ending::UnknownKind, None) => Outcome::Discarded(format!("no worker knows the kind {}", claimed.kind)),
    }
}

/// Says in the log what is worth saying.
pub fn log(outcome: &Outcome) {
    match outcome {
        Outcome::Succeeded(_) => tracing::debug!("succeeded"),
        Outcome::Retry { run_at, error } => tracing::warn!(%run_at, error, "failed, to be tried again"),
        Outcome::Snooze { run_at, reason } => tracing::debug!(%run_at, reason, "put off"),
        Outcome::Discarded(error) => tracing::error!(error, "discarded"),
        Outcome::Cancelled(_) => tracing::info!("cancelled"),
        Outcome::GivenBack => tracing::info!("given back"),
    }
}

/// An error with the causes behind it.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.ends_with(&further) {
            text.push_str(": ");
            text.push_str(&further);
        }
        cause = error.source();
    }
    bounded(&text)
}

fn bounded(text: &str) -> String {
    // PostgreSQL keeps no NUL
    text.chars().filter(|c| *c != '\0').take(ERROR_LIMIT).collect()
}

/// In 0..1, from the lease token, which is random already.
fn jitter(claimed: &Claimed) -> f64 {
    let [first, second, ..] = *claimed.lease_token.as_bytes();
    f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn claimed(attempt: i32) -> Claimed {
        Claimed {
            id: Uuid::nil(),
            kind: "k".to_owned(),
            queue: "events".to_owned(),
            payload: serde_json::Value::Null,
            attempt,
            max_attempts: 3,
            snoozes: 0,
            lease_token: Uuid::nil(),
            parent_id: None,
            created_by: None,
        }
    }

    fn outcome(ending: Ending, reason: Option<Reason>, attempt: i32) -> Outcome {
        of(ending, reason, &claimed(attempt), &Policy::DEFAULT, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_last_failure_discards() {
        let failed = || Ending::Failed(JobError::retry("broken"));
        let retry = Outcome::Retry { run_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(1), error: "broken".to_owned() };
        assert_eq!(outcome(failed(), None, 1), retry);
        assert_eq!(outcome(failed(), None, 3), Outcome::Discarded("broken".to_owned()));
        assert!(matches!(outcome(Ending::Panicked("x".to_owned()), None, 1), Outcome::Retry { .. }));
        assert!(matches!(outcome(Ending::TimedOut, None, 3), Outcome::Discarded(_)));
    }

    #[test]
    fn what_was_told_to_stop_spends_no_attempt() {
        for ending in [Ending::Dropped, Ending::Failed(JobError::retry("cut")), Ending::Decided(Decision::Cancelled)] {
            assert_eq!(outcome(ending, Some(Reason::Drain), 3), Outcome::GivenBack);
        }
        assert_eq!(outcome(Ending::Dropped, Some(Reason::Cancelled), 1), Outcome::Cancelled(None));
        let done = Ending::Decided(Decision::done());
        assert_eq!(outcome(done, Some(Reason::Drain), 1), Outcome::Succeeded(serde_json::Value::Null));
    }
}
