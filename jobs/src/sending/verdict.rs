//! What a failed call means for its message, and for everything that is sent through the same account.

use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{FailureClass, SendFailure};
use schema::messages::OutcomeKind;
use std::time::Duration;

/// Attempts after which a message that the provider keeps putting off is given up; with the waits between them, more
/// than an hour.
pub(super) const ATTEMPTS: i16 = 15;
/// The wait after a first attempt; doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between attempts, unless the provider asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How long an account that was too fast rests when the provider does not say.
const REST: Duration = Duration::from_secs(1);
/// How long a recipient rests when neither the provider nor the shared limits say.
pub(super) const PAIR_REST: Duration = Duration::from_secs(64);
/// The longest an account rests on a provider's word.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// To the message.
    pub kind: OutcomeKind,
    /// To the others.
    pub others: Option<Others>,
}

/// What a failure means for the messages after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// They would fail alike: the campaign waits for a person.
    Hold,
    /// The account is at fault: it waits for a person, and its messages with it.
    Pause,
    /// The account rests for so long.
    Rest(Duration),
    /// Those to the same recipient wait so long, or as long as the shared limits say.
    HoldPair(Option<Duration>),
}

/// Judges a failure of a message's `attempts`-th attempt.
pub fn of(failure: &SendFailure, attempts: i16, now: DateTime<Utc>) -> Verdict {
    let again = |wait: Duration, counts| OutcomeKind::Again { due_at: later(now, wait), counts };
    let only = |kind| Verdict { kind, others: None };
    match failure.class {
        FailureClass::Recipient | FailureClass::Request => only(OutcomeKind::Failed),
        FailureClass::Template => Verdict { kind: OutcomeKind::Failed, others: Some(Others::Hold) },
        FailureClass::Unknown => only(OutcomeKind::Unknown),
        FailureClass::Account => Verdict { kind: again(Duration::ZERO, false), others: Some(Others::Pause) },
        FailureClass::RateLimited { after } => {
            let rest = after.unwrap_or(REST).clamp(REST, LONGEST_REST);
            Verdict { kind: again(rest, false), others: Some(Others::Rest(rest)) }
        }
        // how long is for the limits that all workers share
        FailureClass::PairLimited { after } => {
            Verdict { kind: again(after.unwrap_or(PAIR_REST), false), others: Some(Others::HoldPair(after)) }
        }
        FailureClass::Retry { .. } | FailureClass::DelayDay if attempts >= ATTEMPTS => only(OutcomeKind::Failed),
        FailureClass::Retry { .. } | FailureClass::DelayDay => {
            let wait = backoff(attempts).max(failure.class.wait().unwrap_or_default());
            only(again(wait, true))
        }
    }
}

fn backoff(attempts: i16) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 15)).unwrap_or(0);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(class: FailureClass, attempts: i16) -> Verdict {
        of(&SendFailure::new(class, None, ""), attempts, DateTime::UNIX_EPOCH)
    }

    fn wait(verdict: &Verdict) -> Option<(i64, bool)> {
        match verdict.kind {
            OutcomeKind::Again { due_at, counts } => Some((due_at.timestamp(), counts)),
            _ => None,
        }
    }

    #[test]
    fn what_is_for_good_fails_and_what_may_pass_comes_back_later_and_later() {
        assert_eq!(judged(FailureClass::Recipient, 1).kind, OutcomeKind::Failed);
        assert_eq!(judged(FailureClass::Unknown, 1).kind, OutcomeKind::Unknown);
        let retry = FailureClass::Retry { after: None };
        let waits = [1, 2, 5, 14].map(|attempts| wait(&judged(retry, attempts)).unwrap().0);
        assert_eq!(waits, [1, 2, 16, 600]);
        assert_eq!(judged(retry, ATTEMPTS).kind, OutcomeKind::Failed);
        let asked = FailureClass::Retry { after: Some(Duration::from_secs(40)) };
        assert_eq!(wait(&judged(asked, 1)), Some((40, true)));
        assert_eq!(wait(&judged(FailureClass::DelayDay, 1)), Some((86_400, true)));
    }

    #[test]
    fn what_is_no_fault_of_the_message_spends_no_attempt() {
        let account = judged(FailureClass::Account, 1);
        assert_eq!((wait(&account), account.others), (Some((0, false)), Some(Others::Pause)));
        let fast = judged(FailureClass::RateLimited { after: Some(Duration::from_secs(3)) }, ATTEMPTS);
        assert_eq!((wait(&fast), fast.others), (Some((3, false)), Some(Others::Rest(Duration::from_secs(3)))));
        let pair = judged(FailureClass::PairLimited { after: None }, ATTEMPTS);
        assert_eq!((wait(&pair), pair.others), (Some((64, false)), Some(Others::HoldPair(None))));
        assert_eq!(judged(FailureClass::Template, 1).others, Some(Others::Hold));
    }
}
