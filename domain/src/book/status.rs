//! The states of policies and renewal cases, and what an upload does to them.

use crate::text_enum::text_enum;
use chrono::NaiveDate;

text_enum! {
    /// Where a policy stands.
    pub enum PolicyStatus {
        /// Its term runs.
        Active = "active",
        /// Its term is over.
        Expired = "expired",
        /// Its term is over and so is the grace period.
        Lapsed = "lapsed",
        /// Another policy has taken its place.
        Renewed = "renewed",
        /// Ended before its time.
        Cancelled = "cancelled",
    }
}

impl PolicyStatus {
    /// Of a policy that becomes known with a term ending on `end_date`, its last day.
    pub fn of_term(end_date: NaiveDate, today: NaiveDate) -> Self {
        if end_date < today { Self::Expired } else { Self::Active }
    }
}

text_enum! {
    /// Where a renewal case stands.
    pub enum CaseStatus {
        /// Nobody has acted on it.
        New = "new",
        Assigned = "assigned",
        InProgress = "in_progress",
        Contacted = "contacted",
        PaymentPending = "payment_pending",
        /// The policy has a later term.
        Renewed = "renewed",
        Lapsed = "lapsed",
        Lost = "lost",
        Closed = "closed",
        Escalated = "escalated",
    }
}

impl CaseStatus {
    /// Whether somebody may still work on it.
    pub const fn is_open(self) -> bool {
        match self {
            Self::New
            | Self::Assigned
            | Self::InProgress
            | Self::Contacted
            | Self::PaymentPending
            | Self::Escalated => true,
            Self::Renewed | Self::Lapsed | Self::Lost | Self::Closed => false,
        }
    }

    /// What a case becomes when its policy turns up with a later term; `None`: it stays as it is.
    pub const fn once_policy_is_renewed(self) -> Option<Self> {
        if self.is_open() { Some(Self::Renewed) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_active_on_its_last_day() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        assert_eq!(PolicyStatus::of_term(day(10), day(10)), PolicyStatus::Active);
        assert_eq!(PolicyStatus::of_term(day(10), day(11)), PolicyStatus::Expired);
    }

    #[test]
    fn a_later_term_closes_open_cases_only() {
        for status in CaseStatus::ALL {
            let after = status.once_policy_is_renewed();
            assert_eq!(after, status.is_open().then_some(CaseStatus::Renewed), "{status}");
        }
    }
}
