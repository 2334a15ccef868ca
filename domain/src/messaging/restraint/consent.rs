//! What a person allows, and whose word about it counts.

use crate::text_enum::text_enum;
use chrono::{DateTime, Utc};

text_enum! {
    /// How a consent, or its end, became known.
    pub enum ConsentSource {
        /// A file.
        Import = "import",
        /// An employee recorded it.
        Staff = "staff",
        /// The page of preferences.
        Preferences = "preferences",
        /// The page behind an unsubscribe link.
        Unsubscribe = "unsubscribe",
        /// An answer such as STOP.
        Reply = "reply",
        /// A message was called spam.
        Complaint = "complaint",
    }
}

impl ConsentSource {
    /// Whether the person themselves did it.
    pub const fn is_own_choice(self) -> bool {
        match self {
            Self::Import | Self::Staff => false,
            Self::Preferences | Self::Unsubscribe | Self::Reply | Self::Complaint => true,
        }
    }
}

/// What somebody allows, on one channel for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// They allow it.
    pub granted: bool,
    /// It is their own doing, and not what others say of them.
    pub own_choice: bool,
    /// When they said so.
    pub given_at: DateTime<Utc>,
}

/// Whether what is new takes the place of what is known. A person's own choice is changed by nobody else; among equals,
/// what was said later counts, so that news out of order end the same.
pub fn may_overwrite(current: Option<&Consent>, new: &Consent) -> bool {
    current.is_none_or(|current| match (current.own_choice, new.own_choice) {
        (true, false) => false,
        (false, true) => true,
        (true, true) | (false, false) => current.given_at <= new.given_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn consent(granted: bool, own_choice: bool, at: i64) -> Consent {
        Consent { granted, own_choice, given_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(at) }
    }

    #[test]
    fn an_import_does_not_undo_what_somebody_chose() {
        let refused = consent(false, true, 1);
        assert!(!may_overwrite(Some(&refused), &consent(true, false, 2)));
        assert!(may_overwrite(Some(&refused), &consent(true, true, 2)));
        assert!(may_overwrite(Some(&consent(true, false, 5)), &consent(false, true, 2)));
        assert!(may_overwrite(None, &consent(true, false, 2)));
    }

    proptest! {
        #[test]
        fn own_choices_end_the_same_in_any_order(news in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..8).prop_shuffle()) {
            let news: Vec<Consent> =
                news.iter().zip(0..).map(|((granted, own), at)| consent(*granted, *own, at)).collect();
            let end = |order: &mut dyn Iterator<Item = &Consent>| {
                order.fold(None, |kept: Option<Consent>, new| {
                    if may_overwrite(kept.as_ref(), new) { Some(*new) } else { kept }
                })
            };
            prop_assert_eq!(end(&mut news.iter()), end(&mut news.iter().rev()));
        }
    }
}
