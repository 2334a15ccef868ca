//! How often an address may bounce, by kind, before nothing is sent there any more.
//!
//! A soft bounce alone is never a reason, nor is somebody's being away. A person's own consent is not touched by this:
//! a suppression stands beside it.

use super::BounceKind;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The longest window or suppression, in days.
const LONGEST_DAYS: u32 = 3_650;

/// How often is too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Threshold {
    /// So many times …
    pub count: u32,
    /// … within so many days.
    pub within_days: u32,
    /// For so many days nothing is sent then; `None`: for good.
    pub suppress_days: Option<u32>,
}

/// What somebody who calls a message spam still gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplaintRule {
    /// What serves their contract, but no marketing.
    #[default]
    Marketing,
    /// Nothing.
    All,
}

/// The thresholds by kind. There is none for soft bounces, by intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct BounceRules {
    /// The address does not exist.
    pub hard: Threshold,
    /// The sender or the content is refused.
    pub block: Threshold,
    /// The mailbox is full.
    pub full: Threshold,
    /// Called spam: at once, for good.
    pub complaint: ComplaintRule,
}

impl Default for BounceRules {
    fn default() -> Self {
        Self {
            hard: Threshold { count: 1, within_days: 365, suppress_days: None },
            block: Threshold { count: 3, within_days: 30, suppress_days: Some(14) },
            full: Threshold { count: 3, within_days: 30, suppress_days: Some(30) },
            complaint: ComplaintRule::Marketing,
        }
    }
}

/// How often an address bounced within each kind's own window ([`BounceRules::window`]), the latest included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BounceCounts {
    /// Hard bounces.
    pub hard: u32,
    /// Refusals of sender or content.
    pub block: u32,
    /// Full mailboxes.
    pub full: u32,
}

/// That an address is to be suppressed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuppressFor {
    /// The name of the reason in `suppressions.reason`.
    pub reason: &'static str,
    /// Only marketing is kept back; otherwise everything.
    pub marketing_only: bool,
    /// Until then; `None`: for good.
    pub until: Option<DateTime<Utc>>,
}

impl BounceRules {
    /// How far back bounces of a kind count; `None`: their number does not matter.
    pub fn window(&self, kind: BounceKind) -> Option<TimeDelta> {
        self.threshold(kind).map(|threshold| TimeDelta::days(threshold.within_days.into()))
    }

    /// What is wrong with them: the member, and what would be right.
    pub fn check(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        for (name, threshold) in [("hard", self.hard), ("block", self.block), ("full", self.full)] {
            let days = 1..=LONGEST_DAYS;
            if !(1..=1_000).contains(&threshold.count) {
                faults.push((name, "count: expected 1 to 1000"));
            }
            if !days.contains(&threshold.within_days) {
                faults.push((name, "withinDays: expected 1 to 3650"));
            }
            if threshold.suppress_days.is_some_and(|given| !days.contains(&given)) {
                faults.push((name, "suppressDays: expected 1 to 3650, or null for good"));
            }
        }
        faults
    }

    fn threshold(&self, kind: BounceKind) -> Option<Threshold> {
        match kind {
            BounceKind::Hard => Some(self.hard),
            BounceKind::Block => Some(self.block),
            BounceKind::Full => Some(self.full),
            BounceKind::Soft | BounceKind::Complaint | BounceKind::AutoReply => None,
        }
    }
}

/// Whether an address is suppressed now that it bounced once more in that way.
pub fn verdict(
    rules: &BounceRules,
    kind: BounceKind,
    counts: &BounceCounts,
    now: DateTime<Utc>,
) -> Option<SuppressFor> {
    let (reason, count) = match kind {
        BounceKind::Hard => ("hard_bounce", counts.hard),
        BounceKind::Block => ("blocked", counts.block),
        BounceKind::Full => ("soft_bounce", counts.full),
        BounceKind::Complaint => {
            let marketing_only = rules.complaint == ComplaintRule::Marketing;
            return Some(SuppressFor { reason: "complaint", marketing_only, until: None });
        }
        BounceKind::Soft | BounceKind::AutoReply => return None,
    };
    let threshold = rules.threshold(kind)?;
    // the one at hand counts, whatever the counter says
    let reached = count.max(1) >= threshold.count;
    let until = threshold.suppress_days.map(|days| now + TimeDelta::days(days.into()));
    reached.then_some(SuppressFor { reason, marketing_only: false, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    #[test]
    fn one_hard_bounce_is_enough_and_has_no_end() {
        let found = verdict(&BounceRules::default(), BounceKind::Hard, &BounceCounts::default(), now()).unwrap();
        assert_eq!(found, SuppressFor { reason: "hard_bounce", marketing_only: false, until: None });
    }

    #[test]
    fn blocks_and_full_mailboxes_count_up_to_a_while() {
        let rules = BounceRules::default();
        let told = |kind, block, full| verdict(&rules, kind, &BounceCounts { hard: 9, block, full }, now());
        assert_eq!(told(BounceKind::Block, 2, 9), None);
        let blocked = told(BounceKind::Block, 3, 0).unwrap();
        assert_eq!((blocked.reason, blocked.until), ("blocked", Some(now() + TimeDelta::days(14))));
        assert_eq!(told(BounceKind::Full, 9, 2), None);
        let full = told(BounceKind::Full, 0, 3).unwrap();
        assert_eq!((full.reason, full.until), ("soft_bounce", Some(now() + TimeDelta::days(30))));
    }

    #[test]
    fn a_complaint_ends_marketing_or_everything() {
        let complaint = |rule| {
            let rules = BounceRules { complaint: rule, ..BounceRules::default() };
            verdict(&rules, BounceKind::Complaint, &BounceCounts::default(), now()).unwrap().marketing_only
        };
        assert!(complaint(ComplaintRule::Marketing));
        assert!(!complaint(ComplaintRule::All));
    }

    #[test]
    fn rules_are_read_from_json_and_missing_ones_have_defaults() {
        let rules: BounceRules = serde_json::from_str(
            r#"{"hard": {"count": 2, "withinDays": 7, "suppressDays": null}, "complaint": "all"}"#,
        )
        .unwrap();
        assert_eq!((rules.hard.count, rules.full), (2, BounceRules::default().full));
        assert_eq!(rules.window(BounceKind::Hard), Some(TimeDelta::days(7)));
        assert!(serde_json::from_str::<BounceRules>(r#"{"soft": {}}"#).is_err());
        assert!(rules.check().is_empty());
        let none = Threshold { count: 0, within_days: 0, suppress_days: Some(0) };
        assert_eq!(BounceRules { full: none, ..rules }.check().len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn being_soft_or_away_never_suppresses(hard: u32, block: u32, full: u32) {
            let counts = BounceCounts { hard, block, full };
            for kind in [BounceKind::Soft, BounceKind::AutoReply] {
                proptest::prop_assert_eq!(verdict(&BounceRules::default(), kind, &counts, now()), None);
            }
        }
    }
}
