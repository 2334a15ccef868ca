//! Looking for an attempt whose outcome is unknown in what the provider has, and what that proves.
//!
//! A provider that echoes nothing of ours shows messages to the same recipient at the same time. What is ours already,
//! and what may be another attempt's just as well, proves nothing.

use chrono::{DateTime, Utc};
use domain::messaging::{Correlation, MessageStatus, SendFailure, price::Cost};
use std::collections::HashSet;

/// An attempt of which nobody knows whether the provider took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The message row and the attempt.
    pub correlation: Correlation,
    /// The recipient's address.
    pub to: String,
    /// Not before this was it handed over.
    pub since: DateTime<Utc>,
}

/// A message that the provider has and that may be the attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The provider's id of it.
    pub provider_message_id: String,
    /// Where it stands there.
    pub status: MessageStatus,
    /// Since when, by the provider's clock.
    pub at: Option<DateTime<Utc>>,
    /// Why it failed; only with [`MessageStatus::Failed`].
    pub failure: Option<SendFailure>,
    /// What the provider charges for it, once it knows.
    pub cost: Option<Cost>,
}

/// What the provider shows of the attempt's recipient and time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings {
    /// Messages that may be the attempt.
    pub messages: Vec<Sighting>,
    /// Nothing of that time is missing.
    pub whole: bool,
    /// Nothing of that time can be added any more.
    pub over: bool,
}

/// What a look-up proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The provider has it.
    Taken(Sighting),
    /// The provider surely does not have it.
    NotTaken,
    /// The provider cannot be asked, or its answer fits several messages: wait for an event.
    CannotTell,
}

impl Sightings {
    /// `known`: ids that messages of ours have already; `rivals`: other attempts of unknown outcome of the same
    /// recipient.
    pub fn judge(self, known: &HashSet<String>, rivals: usize) -> Found {
        let mut new = self.messages.into_iter().filter(|message| !known.contains(&message.provider_message_id));
        match (new.next(), new.next()) {
            (Some(only), None) if self.whole && rivals == 0 => Found::Taken(only),
            (None, _) if self.whole && self.over => Found::NotTaken,
            _ => Found::CannotTell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ids: &[&str]) -> Sightings {
        let sighting = |id: &&str| Sighting {
            provider_message_id: (*id).to_owned(),
            status: MessageStatus::Sent,
            at: None,
            failure: None,
            cost: None,
        };
        Sightings { messages: ids.iter().map(sighting).collect(), whole: true, over: true }
    }

    #[test]
    fn the_only_one_that_is_nobodys_is_the_attempt() {
        let known = HashSet::from(["a".to_owned()]);
        assert!(matches!(seen(&["a", "b"]).judge(&known, 0), Found::Taken(one) if one.provider_message_id == "b"));
        assert_eq!(seen(&["b", "c"]).judge(&known, 0), Found::CannotTell);
        assert_eq!(seen(&["b"]).judge(&known, 1), Found::CannotTell, "it may be the other one's");
    }

    #[test]
    fn nothing_is_proof_only_of_a_whole_list_of_a_time_that_is_over() {
        let known = HashSet::from(["a".to_owned()]);
        assert_eq!(seen(&["a"]).judge(&known, 3), Found::NotTaken);
        assert_eq!(Sightings { over: false, ..seen(&[]) }.judge(&known, 0), Found::CannotTell);
        assert_eq!(Sightings { whole: false, ..seen(&[]) }.judge(&known, 0), Found::CannotTell);
        assert_eq!(Sightings::default().judge(&known, 0), Found::CannotTell, "a provider that cannot be asked");
    }
}
