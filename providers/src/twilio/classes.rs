//! What each error code of Twilio means for us: those of answers, and those of messages that failed later.
//!
//! Source: the vendor's error dictionary.

use domain::messaging::FailureClass;
use std::time::Duration;

/// After 30003, a phone that is off or out of reach, half an hour is worth waiting; after a second time an hour.
const UNREACHABLE_WAIT: Duration = Duration::from_secs(30 * 60);

/// Where a code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The answer to a call, with its HTTP status and what it asks to wait; `named`: the message brought its own sender.
    Answer {
        /// The answer's HTTP status.
        status: u16,
        /// `Retry-After`.
        after: Option<Duration>,
        /// Whether the message names its own sender, so that a sender that is refused says nothing of the account.
        named: bool,
    },
    /// A status told later.
    Callback,
}

/// The class of an error code; `attempt` counts from 1. A code that is not known is judged by where it came from.
pub fn classify(code: i64, origin: Origin, attempt: i32) -> FailureClass {
    let (after, named) = match origin {
        Origin::Answer { after, named, .. } => (after, named),
        Origin::Callback => (None, false),
    };
    match code {
        // too many requests; too many at once; the sender's queue is full
        20_429 | 14_107 | 21_611 => FailureClass::RateLimited { after },
        // the queue overflowed; carrier timeout; unknown error
        30_001 | 30_008 | 30_410 => FailureClass::Retry { after },
        20_503 => FailureClass::Retry { after },
        30_003 => {
            let wait = if attempt > 1 { UNREACHABLE_WAIT * 2 } else { UNREACHABLE_WAIT };
            FailureClass::Retry { after: Some(after.unwrap_or(wait)) }
        }
        // credentials; inactive, unknown, suspended or barred accounts; funds; registrations of senders
        20_002 | 20_003 | 20_005 | 20_006 | 20_008 | 20_404 | 30_002 | 30_024 | 30_034 | 90_010 => {
            FailureClass::Account
        }
        // not our sender, not fit for it, or not of the pool; no pool, or an empty one
        21_603 | 21_606 | 21_618 | 21_659 | 21_660 | 21_661 | 21_701 | 21_703 | 21_704 | 21_705 | 21_712 => {
            if named {
                FailureClass::Request
            } else {
                FailureClass::Account
            }
        }
        // no number; not for text messages; a country we may not send to; opted out; no route
        21_211 | 21_214 | 21_217 | 21_265 | 21_408 | 21_421 | 21_610 | 21_612 | 21_614 | 21_635 => {
            FailureClass::Recipient
        }
        // barred, unknown, or a landline
        30_004 | 30_005 | 30_006 | 30_450 => FailureClass::Recipient,
        // no text, a blank one, too long; too dear; filtered; too old when its turn came
        21_602 | 21_605 | 21_609 | 21_617 | 21_619 | 30_007 | 30_010 | 30_019 | 30_022 | 30_032 | 30_036 => {
            FailureClass::Request
        }
        _ => match origin {
            Origin::Callback => FailureClass::Recipient,
            Origin::Answer { status: 429, .. } => FailureClass::RateLimited { after },
            Origin::Answer { status: 401 | 403, .. } => FailureClass::Account,
            // it broke while at work on this very call
            Origin::Answer { status: 500..=599, .. } => FailureClass::Unknown,
            Origin::Answer { .. } => FailureClass::Request,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i64, status: u16) -> FailureClass {
        classify(code, Origin::Answer { status, after: None, named: false }, 1)
    }

    #[test]
    fn codes_that_ask_to_come_back() {
        assert_eq!(answer(20_429, 429), FailureClass::RateLimited { after: None });
        for code in [30_001, 30_008] {
            assert_eq!(classify(code, Origin::Callback, 1), FailureClass::Retry { after: None }, "{code}");
        }
        let waits = [1, 2, 5].map(|attempt| classify(30_003, Origin::Callback, attempt).wait().unwrap().as_secs());
        assert_eq!(waits, [1_800, 3_600, 3_600]);
    }

    #[test]
    fn codes_that_are_for_good() {
        for code in [21_211, 21_610, 21_612, 30_004, 30_005, 30_006] {
            assert_eq!(classify(code, Origin::Callback, 1), FailureClass::Recipient, "{code}");
        }
        assert_eq!(classify(30_007, Origin::Callback, 1), FailureClass::Request);
        assert_eq!(answer(21_617, 400), FailureClass::Request);
    }

    #[test]
    fn codes_that_pause_the_account() {
        for code in [20_003, 30_002, 21_606, 21_703] {
            assert_eq!(answer(code, 400), FailureClass::Account, "{code}");
        }
        let own = Origin::Answer { status: 400, after: None, named: true };
        assert_eq!(classify(21_606, own, 1), FailureClass::Request, "a sender of the message's own");
    }

    #[test]
    fn a_code_nobody_knows_is_judged_by_where_it_came_from() {
        for (status, class) in [
            (429, FailureClass::RateLimited { after: None }),
            (403, FailureClass::Account),
            (500, FailureClass::Unknown),
            (400, FailureClass::Request),
        ] {
            assert_eq!(answer(99_999, status), class, "{status}");
        }
        assert_eq!(classify(99_999, Origin::Callback, 1), FailureClass::Recipient);
    }
}
