//! How far a message got, and what a provider's event adds to that.
//!
//! Events come in any order, perhaps twice. Whatever order they come in, the same events lead to the same end: the
//! status climbs, times are the earliest that were told, and an error stands only while the message has failed or is
//! still to be settled.

use super::status::MessageStatus;
use chrono::{DateTime, Utc};

/// How far a message got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub status: MessageStatus,
    /// What went wrong, as a code.
    pub error_code: Option<String>,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// When the provider took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached the device.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub replied_at: Option<DateTime<Utc>>,
    /// When it failed.
    pub failed_at: Option<DateTime<Utc>>,
}

impl Progress {
    /// A message of this status of which nothing else is known.
    pub const fn at(status: MessageStatus) -> Self {
        Self {
            status,
            error_code: None,
            error_message: None,
            sent_at: None,
            delivered_at: None,
            opened_at: None,
            replied_at: None,
            failed_at: None,
        }
    }

    /// Adds an event that says where the message stood at a time; `why` says why it failed. Whether it changed anything.
    pub fn tell(&mut self, status: MessageStatus, at: DateTime<Utc>, why: Option<(&str, &str)>) -> bool {
        let before = self.clone();
        if let Some(status) = self.status.climb(status) {
            self.status = status;
            (self.error_code, self.error_message) = (None, None);
        }
        match status {
            MessageStatus::Sent => earliest(&mut self.sent_at, at),
            MessageStatus::Delivered => {
                earliest(&mut self.sent_at, at);
                earliest(&mut self.delivered_at, at);
            }
            MessageStatus::Read => {
                earliest(&mut self.sent_at, at);
                earliest(&mut self.delivered_at, at);
                earliest(&mut self.opened_at, at);
            }
            MessageStatus::Failed => self.tell_failure(at, why),
            // no provider reports these
            MessageStatus::Pending
            | MessageStatus::Sending
            | MessageStatus::Suppressed
            | MessageStatus::Unconfirmed => {}
        }
        if self.status != MessageStatus::Failed {
            self.failed_at = None;
        }
        *self != before
    }

    /// Adds that the recipient answered. Whether it changed anything.
    pub fn tell_reply(&mut self, at: DateTime<Utc>) -> bool {
        let before = self.replied_at;
        earliest(&mut self.replied_at, at);
        self.replied_at != before
    }

    /// Of several failures the earliest counts; of those at one time, the one whose text comes first.
    fn tell_failure(&mut self, at: DateTime<Utc>, why: Option<(&str, &str)>) {
        if self.status != MessageStatus::Failed {
            return;
        }
        let told = why.map(|(code, message)| (code.to_owned(), message.to_owned())).unzip();
        let known = (self.error_code.clone(), self.error_message.clone());
        let earlier = self.failed_at.is_none_or(|failed_at| at < failed_at || (at == failed_at && told < known));
        if earlier {
            self.failed_at = Some(at);
            (self.error_code, self.error_message) = told;
        }
    }
}

fn earliest(time: &mut Option<DateTime<Utc>>, at: DateTime<Utc>) {
    *time = Some(time.map_or(at, |known| known.min(at)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageStatus::{Delivered, Failed, Read, Sending, Sent, Unconfirmed};
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn end(start: MessageStatus, events: &[(MessageStatus, i64)]) -> Progress {
        let mut progress = Progress::at(start);
        for (status, second) in events {
            let code = second.to_string();
            progress.tell(*status, at(*second), (*status == Failed).then_some((code.as_str(), "refused")));
        }
        progress
    }

    #[test]
    fn a_late_delivery_adds_its_time_and_takes_nothing_away() {
        let progress = end(Sending, &[(Sent, 1), (Read, 9), (Delivered, 4)]);
        assert_eq!(progress.status, Read);
        assert_eq!(
            (progress.sent_at, progress.delivered_at, progress.opened_at),
            (Some(at(1)), Some(at(4)), Some(at(9)))
        );
    }

    #[test]
    fn a_failure_stands_until_the_message_proves_delivered() {
        let failed = end(Unconfirmed, &[(Sent, 1), (Failed, 2)]);
        assert_eq!((failed.status, failed.failed_at), (Failed, Some(at(2))));
        assert_eq!(failed.error_code.as_deref(), Some("2"));
        let proven = end(Unconfirmed, &[(Sent, 1), (Failed, 2), (Delivered, 3)]);
        assert_eq!((proven.status, proven.failed_at, proven.error_code), (Delivered, None, None));
    }

    #[test]
    fn what_is_known_already_changes_nothing() {
        let mut progress = end(Sending, &[(Delivered, 5)]);
        assert!(!progress.tell(Delivered, at(5), None));
        assert!(!progress.tell(Sent, at(6), None));
        assert!(progress.tell(Sent, at(4), None));
        assert!(progress.tell_reply(at(9)) && !progress.tell_reply(at(10)) && progress.tell_reply(at(8)));
    }

    proptest! {
        #[test]
        fn any_order_leads_to_the_same_end(
            (events, shuffled) in prop::collection::vec(
                (prop::sample::select(&[Sent, Delivered, Read, Failed][..]), 0_i64..20), 0..8,
            ).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
            start in prop::sample::select(&[Sending, Unconfirmed, Sent][..]),
        ) {
            let doubled: Vec<_> = shuffled.iter().chain(&shuffled).copied().collect();
            prop_assert_eq!(end(start, &events), end(start, &doubled));
        }
    }
}
