//! The status ladder of an outbound message.
//!
//! Providers report out of order, twice, or not at all, so a status only ever climbs: the order below is total and an
//! event moves a message to the higher of the two. Whatever order events come in, they end at the same status.

use crate::text_enum::text_enum;

text_enum! {
    /// Where an outbound message stands, lowest first.
    pub enum MessageStatus {
        /// Not yet handed to a provider.
        Pending = "pending",
        /// Recorded as being handed over; the provider may or may not have it.
        Sending = "sending",
        /// Left out at send time: consent, a cap, already renewed.
        Suppressed = "suppressed",
        /// An attempt was cut short and nothing tells yet what became of it. Never sent again unasked.
        Unconfirmed = "unconfirmed",
        /// The provider accepted it.
        Sent = "sent",
        /// The provider refused it, or accepted it and then gave up.
        Failed = "failed",
        /// It reached the recipient's device. Proof, even after a failure was reported.
        Delivered = "delivered",
        /// The recipient opened it.
        Read = "read",
    }
}

impl MessageStatus {
    /// The rung: a higher one replaces a lower one, never the other way round.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Pending => 0,
            Self::Sending => 1,
            Self::Suppressed => 2,
            Self::Unconfirmed => 3,
            Self::Sent => 4,
            Self::Failed => 5,
            Self::Delivered => 6,
            Self::Read => 7,
        }
    }

    /// The status after `event`, or `None` when the event changes nothing.
    pub const fn climb(self, event: Self) -> Option<Self> {
        if event.rank() > self.rank() { Some(event) } else { None }
    }

    /// The status after an attempt that the provider surely did not take: only a message being sent goes back.
    pub const fn requeue(self) -> Option<Self> {
        match self {
            Self::Sending => Some(Self::Pending),
            Self::Pending
            | Self::Suppressed
            | Self::Unconfirmed
            | Self::Sent
            | Self::Failed
            | Self::Delivered
            | Self::Read => None,
        }
    }

    /// Whether a provider took it and has not given it up.
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }

    /// Whether this platform still has something to do; a campaign is drained when no message is live.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Sending)
    }

    /// Whether no event is expected any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Suppressed | Self::Failed | Self::Read)
    }

    /// Whether the provider is known to have accepted it: what a campaign counts as sent.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }
}

text_enum! {
    /// The status vocabulary of the `campaign_recipients` view.
    pub enum RecipientStatus {
        /// Not yet handed over.
        Pending = "pending",
        /// Handed over: accepted, or with its outcome unknown.
        Sent = "sent",
        /// Reached the device.
        Delivered = "delivered",
        /// Opened or read.
        Opened = "opened",
        /// A link in it was followed.
        Clicked = "clicked",
        /// The recipient answered.
        Replied = "replied",
        /// Refused, given up or suppressed.
        Failed = "failed",
    }
}

impl RecipientStatus {
    /// A message's status and what the recipient did with it, in the recipients' vocabulary: the furthest step shows.
    pub const fn of(status: MessageStatus, opened: bool, clicked: bool, replied: bool) -> Self {
        if replied {
            return Self::Replied;
        }
        if clicked {
            return Self::Clicked;
        }
        if opened {
            return Self::Opened;
        }
        match status {
            MessageStatus::Pending | MessageStatus::Sending => Self::Pending,
            MessageStatus::Sent | MessageStatus::Unconfirmed => Self::Sent,
            MessageStatus::Delivered => Self::Delivered,
            MessageStatus::Read => Self::Opened,
            MessageStatus::Failed | MessageStatus::Suppressed => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MessageStatus::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rungs_are_the_order_of_declaration() {
        for pair in MessageStatus::ALL.windows(2) {
            assert!(pair[0].rank() < pair[1].rank() && pair[0] < pair[1]);
        }
    }

    #[test]
    fn what_may_replace_what() {
        assert_eq!(Sent.climb(Delivered), Some(Delivered));
        assert_eq!(Sent.climb(Failed), Some(Failed));
        assert_eq!(Failed.climb(Delivered), Some(Delivered));
        assert_eq!(Unconfirmed.climb(Sent), Some(Sent));
        assert_eq!(Unconfirmed.climb(Failed), Some(Failed));
        assert_eq!(Sending.climb(Unconfirmed), Some(Unconfirmed));
        for (current, event) in [
            (Read, Delivered),
            (Read, Failed),
            (Delivered, Failed),
            (Delivered, Sent),
            (Failed, Sent),
            (Sent, Unconfirmed),
            (Read, Read),
        ] {
            assert_eq!(current.climb(event), None, "{current} after {event}");
        }
    }

    #[test]
    fn only_a_message_being_sent_goes_back() {
        for status in MessageStatus::ALL {
            assert_eq!(status.requeue().is_some(), *status == Sending);
        }
    }

    #[test]
    fn the_recipients_vocabulary() {
        assert_eq!(RecipientStatus::of(Read, false, false, false).as_str(), "opened");
        assert_eq!(RecipientStatus::of(Delivered, true, false, false).as_str(), "opened");
        assert_eq!(RecipientStatus::of(Sent, false, true, true).as_str(), "replied");
        assert_eq!(RecipientStatus::of(Suppressed, false, false, false).as_str(), "failed");
        assert_eq!(RecipientStatus::of(Unconfirmed, false, false, false).as_str(), "sent");
    }

    fn end_of(start: MessageStatus, events: &[MessageStatus]) -> MessageStatus {
        events.iter().fold(start, |status, event| status.climb(*event).unwrap_or(status))
    }

    proptest! {
        #[test]
        fn the_end_does_not_depend_on_order_or_repeats(
            events in prop::collection::vec(prop::sample::select(MessageStatus::ALL), 0..8),
            shuffled in any::<prop::sample::Index>(),
            start in prop::sample::select(MessageStatus::ALL),
        ) {
            let end = end_of(start, &events);
            let mut other = events.clone();
            if !other.is_empty() {
                let at = shuffled.index(other.len());
                other.rotate_left(at);
                other.reverse();
                other.push(events[at]);
            }
            prop_assert_eq!(end_of(start, &other), end);
        }
    }

    /// All orders of every set of up to five events, each event given twice.
    #[test]
    fn every_permutation_ends_alike() {
        fn permute(rest: &mut Vec<MessageStatus>, taken: &mut Vec<MessageStatus>, ends: &mut Vec<MessageStatus>) {
            if rest.is_empty() {
                let doubled: Vec<_> = taken.iter().chain(taken.iter()).copied().collect();
                ends.push(end_of(Sending, &doubled));
            }
            for at in 0..rest.len() {
                let event = rest.remove(at);
                taken.push(event);
                permute(rest, taken, ends);
                taken.pop();
                rest.insert(at, event);
            }
        }
        let events = [Unconfirmed, Sent, Failed, Delivered, Read];
        for set in 1_u32..1 << events.len() {
            let mut chosen: Vec<_> =
                events.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, event)| *event).collect();
            let highest = chosen.iter().max().copied().unwrap();
            let mut ends = Vec::new();
            permute(&mut chosen, &mut Vec::new(), &mut ends);
            assert!(ends.iter().all(|end| *end == highest), "{chosen:?}: {ends:?}");
        }
    }
}
