//! What makes a campaign pause by itself: more failures or complaints than can be chance or fate.

use super::PlanError;
use serde::{Deserialize, Serialize};

/// Nobody tries more without a look.
const MOST_UNJUDGED: u32 = 10_000_000;

/// Shares, in percent, past which a campaign pauses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Failed of those that were tried.
    pub failure_percent: f64,
    /// Complained of those that were sent. Mail services close accounts at a few in a thousand.
    pub complaint_percent: f64,
    /// Nothing is judged before so many were tried, 1 to 10,000,000; after a person let it go on, so many more.
    pub at_least: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failure_percent: 50.0, complaint_percent: 1.0, at_least: 100 }
    }
}

/// How a campaign has fared so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fared {
    /// Accepted by the provider.
    pub sent: u64,
    /// Refused or given up.
    pub failed: u64,
    /// Told to be spam.
    pub complained: u64,
}

/// A limit that was passed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Breach {
    /// Too many fail.
    #[error("{0:.1} % of its messages fail")]
    Failures(f64),
    /// Too many complain.
    #[error("{0:.2} % of its recipients complain")]
    Complaints(f64),
}

impl Limits {
    /// The limit that was passed, if one was, since a person let it go on when it had fared as `before`. People complain
    /// of a message for days: until as many are sent again, complaints are a share of those that were sent before.
    pub fn breached(&self, fared: Fared, before: Fared) -> Option<Breach> {
        let sent = fared.sent.saturating_sub(before.sent);
        let failed = fared.failed.saturating_sub(before.failed);
        let tried = (fared.sent + fared.failed).saturating_sub(before.sent + before.failed);
        if tried < u64::from(self.at_least) {
            return None;
        }
        let failures = percent(failed, tried);
        let complaints = percent(fared.complained.saturating_sub(before.complained), sent.max(before.sent));
        if failures > self.failure_percent {
            Some(Breach::Failures(failures))
        } else if complaints > self.complaint_percent {
            Some(Breach::Complaints(complaints))
        } else {
            None
        }
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        let within = |percent: f64| (0.0..=100.0).contains(&percent);
        if !(within(self.failure_percent) && within(self.complaint_percent)) {
            return Err(PlanError::new("limits", "shares are 0 to 100 percent"));
        }
        match (1..=MOST_UNJUDGED).contains(&self.at_least) {
            true => Ok(()),
            false => Err(PlanError::new("limits", format!("atLeast is 1 to {MOST_UNJUDGED}"))),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody sends 2^53 messages")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_not_judged_and_many_are() {
        let judged = |fared| Limits::default().breached(fared, Fared::default());
        assert_eq!(judged(Fared { sent: 0, failed: 99, complained: 0 }), None);
        assert_eq!(judged(Fared { sent: 0, failed: 100, complained: 0 }), Some(Breach::Failures(100.0)));
        assert_eq!(judged(Fared { sent: 100, failed: 100, complained: 0 }), None);
        assert_eq!(judged(Fared { sent: 1_000, failed: 0, complained: 10 }), None);
        let breach = judged(Fared { sent: 1_000, failed: 0, complained: 11 }).unwrap();
        assert_eq!(breach.to_string(), "1.10 % of its recipients complain");
    }

    #[test]
    fn what_a_person_let_go_on_is_judged_by_what_came_after() {
        let limits = Limits::default();
        let before = Fared { sent: 100_000, failed: 0, complained: 1_100 };
        let late = Fared { sent: 100_100, complained: 1_130, ..before };
        assert_eq!(limits.breached(late, before), None, "complaints of the first");
        let again = Fared { sent: 200_000, complained: 2_200, ..before };
        assert!(matches!(limits.breached(again, before), Some(Breach::Complaints(_))));
        let failing = Fared { sent: 1_000, failed: 1_000, complained: 0 };
        assert_eq!(limits.breached(Fared { failed: 1_099, ..failing }, failing), None, "too few to tell");
        assert_eq!(limits.breached(Fared { failed: 1_100, ..failing }, failing), Some(Breach::Failures(100.0)));
        assert_eq!(limits.breached(Fared { sent: 2_000, ..failing }, failing), None);
    }
}
