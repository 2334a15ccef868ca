//! Addresses that get nothing, or no marketing: why, how far it goes, and for how long.

use crate::text_enum::text_enum;
use chrono::{DateTime, Utc};

use super::Purpose;

text_enum! {
    /// Why an address is written to no more. Each reason is an entry of its own: lifting one leaves the others.
    pub enum SuppressionReason {
        /// Its owner said so.
        OptedOut = "opted_out",
        /// Its owner called a message spam.
        Complaint = "complaint",
        /// It does not exist.
        HardBounce = "hard_bounce",
        /// It came back too often.
        SoftBounce = "soft_bounce",
        /// Its server refuses us.
        Blocked = "blocked",
        /// It is on a do-not-disturb list.
        DoNotDisturb = "do_not_disturb",
        /// An employee put it there.
        Manual = "manual",
        /// It cannot be written to.
        Invalid = "invalid",
    }
}

text_enum! {
    /// How far a suppression goes.
    pub enum SuppressionScope {
        /// Nothing is sent.
        All = "all",
        /// No marketing is sent.
        Marketing = "marketing",
    }
}

text_enum! {
    /// Who told of a suppression.
    pub enum SuppressionSource {
        /// A provider's own list.
        Provider = "provider",
        /// Mail that came back.
        Bounce = "bounce",
        /// An answer such as STOP.
        Reply = "reply",
        /// The page behind an unsubscribe link.
        Unsubscribe = "unsubscribe",
        /// The page of preferences.
        Preferences = "preferences",
        /// A file.
        Import = "import",
        /// An employee.
        Staff = "staff",
    }
}

/// One entry about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// How far it goes.
    pub scope: SuppressionScope,
    /// Until when; `None` is for good.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Suppression {
    /// Whether it keeps a message of that purpose from going out at that time.
    pub fn holds(&self, purpose: Purpose, now: DateTime<Utc>) -> bool {
        let reaches = self.scope == SuppressionScope::All || purpose == Purpose::Marketing;
        reaches && self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn it_holds_for_its_scope_and_until_it_ends() {
        let now = DateTime::UNIX_EPOCH;
        let entry = |scope, expires_at| Suppression { reason: SuppressionReason::Manual, scope, expires_at };
        assert!(entry(SuppressionScope::All, None).holds(Purpose::Service, now));
        assert!(!entry(SuppressionScope::Marketing, None).holds(Purpose::Service, now));
        assert!(entry(SuppressionScope::Marketing, None).holds(Purpose::Marketing, now));
        assert!(!entry(SuppressionScope::All, Some(now)).holds(Purpose::Service, now));
        assert!(entry(SuppressionScope::All, Some(now + TimeDelta::seconds(1))).holds(Purpose::Service, now));
    }
}
