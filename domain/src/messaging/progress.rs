//! How far a message got, and what a provider's event adds to that.
//!
//! Events come in any order, perhaps twice. Whatever order they come in, the same events lead to the same end: the
//! status climbs, times are the earliest that were told, and an error stands only while the message has failed or is
//! still to be settled. A bounce outweighs a delivery, which for mail only says that the next server took it; that
//! somebody opened the message outweighs both.

use super::{
    bounce::{BounceKind, Feedback},
    status::MessageStatus,
};
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
    /// When a link of it was followed.
    pub clicked_at: Option<DateTime<Utc>>,
    /// When it came back.
    pub bounced_at: Option<DateTime<Utc>>,
    /// How it came back.
    pub bounce: Option<BounceKind>,
    /// When it was called spam.
    pub complained_at: Option<DateTime<Utc>>,
    /// When its recipient asked for no more.
    pub unsubscribed_at: Option<DateTime<Utc>>,
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
            clicked_at: None,
            bounced_at: None,
            bounce: None,
            complained_at: None,
            unsubscribed_at: None,
        }
    }

    /// Adds an event that says where the message stood at a time; `why` says why it failed. Whether it changed anything.
    pub fn tell(&mut self, status: MessageStatus, at: DateTime<Utc>, why: Option<(&str, &str)>) -> bool {
        let before = self.clone();
        let is_outweighed = self.bounced_at.is_some() && status != MessageStatus::Read;
        if let Some(status) = self.status.climb(status).filter(|_| !is_outweighed) {
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

    /// Adds that the message came back for good. Whether it changed anything.
    pub fn tell_bounce(&mut self, kind: BounceKind, at: DateTime<Utc>, why: (&str, &str)) -> bool {
        let before = self.clone();
        let known = self.bounced_at.zip(self.bounce).map(|(at, kind)| {
            (at, kind, self.error_code.as_deref().unwrap_or(""), self.error_message.as_deref().unwrap_or(""))
        });
        // of several the earliest counts; of those at one time, the one whose text comes first
        let is_first = known.is_none_or(|known| (at, kind, why.0, why.1) < known);
        let is_read = self.status == MessageStatus::Read;
        if is_first {
            (self.bounced_at, self.bounce) = (Some(at), Some(kind));
            if !is_read {
                (self.error_code, self.error_message) = (Some(why.0.to_owned()), Some(why.1.to_owned()));
            }
        }
        if !is_read {
            (self.status, self.failed_at) = (MessageStatus::Failed, self.bounced_at);
        }
        *self != before
    }

    /// Adds what the recipient did with it. Whether it changed anything.
    pub fn tell_feedback(&mut self, feedback: Feedback, at: DateTime<Utc>) -> bool {
        let before = self.clone();
        match feedback {
            Feedback::Opened => {
                self.tell(MessageStatus::Read, at, None);
            }
            Feedback::Clicked => {
                self.tell(MessageStatus::Read, at, None);
                earliest(&mut self.clicked_at, at);
            }
            Feedback::Complained => earliest(&mut self.complained_at, at),
            Feedback::Unsubscribed => earliest(&mut self.unsubscribed_at, at),
            Feedback::Deferred => {}
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
        // how it came back says more
        if self.status != MessageStatus::Failed || self.bounced_at.is_some() {
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

    #[derive(Debug, Clone, Copy)]
    enum Told {
        Status(MessageStatus),
        Bounce(BounceKind),
        Feedback(Feedback),
    }

    fn all_told(start: MessageStatus, events: &[(Told, i64)]) -> Progress {
        let mut progress = Progress::at(start);
        for (told, second) in events {
            let code = second.to_string();
            match told {
                Told::Status(status) => {
                    progress.tell(*status, at(*second), (*status == Failed).then_some((code.as_str(), "refused")));
                }
                Told::Bounce(kind) => {
                    progress.tell_bounce(*kind, at(*second), (code.as_str(), "came back"));
                }
                Told::Feedback(feedback) => {
                    progress.tell_feedback(*feedback, at(*second));
                }
            }
        }
        progress
    }

    #[test]
    fn a_bounce_outweighs_a_delivery_and_an_opening_both() {
        let bounce = Told::Bounce(BounceKind::Hard);
        for events in [[(Told::Status(Delivered), 1), (bounce, 2)], [(bounce, 2), (Told::Status(Delivered), 1)]] {
            let end = all_told(Sending, &events);
            assert_eq!((end.status, end.failed_at, end.delivered_at), (Failed, Some(at(2)), Some(at(1))));
            assert_eq!((end.bounce, end.error_code.as_deref()), (Some(BounceKind::Hard), Some("2")));
        }
        let opened = all_told(Sending, &[(bounce, 2), (Told::Feedback(Feedback::Opened), 3)]);
        assert_eq!((opened.status, opened.failed_at, opened.error_code), (Read, None, None));
    }

    proptest! {
        #[test]
        fn any_order_leads_to_the_same_end(
            (events, shuffled) in prop::collection::vec(
                (prop::sample::select(&[
                    Told::Status(Sent), Told::Status(Delivered), Told::Status(Read), Told::Status(Failed),
                    Told::Bounce(BounceKind::Hard), Told::Bounce(BounceKind::Full), Told::Feedback(Feedback::Opened),
                    Told::Feedback(Feedback::Clicked), Told::Feedback(Feedback::Complained),
                    Told::Feedback(Feedback::Unsubscribed), Told::Feedback(Feedback::Deferred),
                ][..]), 0_i64..20), 0..8,
            ).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
            start in prop::sample::select(&[Sending, Unconfirmed, Sent][..]),
        ) {
            let doubled: Vec<_> = shuffled.iter().chain(&shuffled).copied().collect();
            prop_assert_eq!(all_told(start, &events), all_told(start, &doubled));
        }
    }
}
