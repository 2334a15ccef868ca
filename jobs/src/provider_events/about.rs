//! Which message an event is about, and what it adds to it.

use super::apply::status_of;
use crate::tracking::PROVIDER;
use chrono::{DateTime, Utc};
use domain::messaging::{BounceKind, Feedback, MessageStatus, price::Cost};
use schema::{messages::Tracked, provider_events::Waiting};
use std::collections::{HashMap, hash_map::Entry};

/// What an event says of whom.
pub(super) struct Said<'a> {
    /// Our message, when the provider echoed our id.
    pub message: Option<i64>,
    /// The provider, and its id of our message.
    pub known_as: Option<(&'a str, &'a str)>,
    /// What somebody wrote.
    pub text: Option<&'a str>,
    /// What they chose.
    pub choice: Option<&'a str>,
    /// It is told by somebody who did not send the message.
    pub by_others: bool,
}

/// Our own pages tell of messages that went out over any account.
fn is_bystander(provider: &str) -> bool {
    provider == PROVIDER
}

impl<'a> Said<'a> {
    pub fn of(event: &'a Waiting) -> Self {
        let read = |name: &str| event.inbound.as_ref().and_then(|inbound| inbound.get(name)?.as_str());
        let (known_as, text) = match event.kind.as_str() {
            "status" | "feedback" => (event.provider_message_id.as_deref(), None),
            // of what somebody wrote the provider's id is theirs; ours is the one it answers
            "inbound" => (read("inReplyTo"), read("text")),
            _ => (None, None),
        };
        let known_as = known_as.map(|id| (event.provider.as_str(), id));
        Self {
            message: event.message_id,
            known_as,
            by_others: is_bystander(&event.provider),
            text,
            choice: read("choice"),
        }
    }

    /// Whether a message that is still to be recorded may turn out to be meant. One named by our own id would be there.
    pub fn may_be_known_later(&self) -> bool {
        self.message.is_none() && self.known_as.is_some()
    }
}

/// The messages that a page of events is about, locked.
pub(super) struct Known {
    messages: Vec<Tracked>,
    was_sent: Vec<bool>,
    changed: Vec<bool>,
    by_id: HashMap<i64, usize>,
    by_name: HashMap<(String, String), usize>,
}

impl Known {
    pub fn new(messages: Vec<Tracked>) -> Self {
        let by_id = messages.iter().enumerate().map(|(at, message)| (message.id, at)).collect();
        let name = |(at, message): (usize, &Tracked)| {
            Some(((message.provider.clone()?, message.provider_message_id.clone()?), at))
        };
        let by_name = messages.iter().enumerate().filter_map(name).collect();
        let was_sent = messages.iter().map(|message| message.progress.status.is_sent()).collect();
        Self { changed: vec![false; messages.len()], was_sent, messages, by_id, by_name }
    }

    /// Our own id wins: the provider's may not be recorded yet. It counts only for a message of that provider.
    pub fn find(&self, said: &Said<'_>) -> Option<usize> {
        let name = said.known_as.map(|(provider, id)| (provider.to_owned(), id.to_owned()));
        let of_provider = |at: &usize| match (&self.messages[*at].provider, &name) {
            (Some(known), Some((provider, _))) => known == provider || said.by_others,
            _ => true,
        };
        let by_id = said.message.and_then(|id| self.by_id.get(&id).copied()).filter(of_provider);
        by_id.or_else(|| name.as_ref().and_then(|name| self.by_name.get(name).copied()))
    }

    pub fn id(&self, at: usize) -> i64 {
        self.messages[at].id
    }

    /// Adds a status; whether it changed anything.
    pub fn tell(&mut self, at: usize, event: &Waiting, said: &Said<'_>) -> bool {
        let Some(status) = status_of(event) else { return false };
        let message = &mut self.messages[at];
        let names = (&message.provider_message_id, said.known_as.filter(|_| !said.by_others));
        let other = matches!(names, (Some(ours), Some((_, id))) if ours != id);
        // an earlier attempt of the message that came to nothing: its failure says nothing of the later one
        if other && status == MessageStatus::Failed {
            return false;
        }
        let code = event.error_code.as_deref().unwrap_or("failed");
        let why = (status == MessageStatus::Failed).then(|| (code, event.error_message.as_deref().unwrap_or(code)));
        let bounce = event.bounce.as_deref().and_then(|kind| kind.parse::<BounceKind>().ok());
        let mut changed = match (why, bounce) {
            (Some(why), Some(kind)) => message.progress.tell_bounce(kind, event.occurred_at, why),
            (why, _) => message.progress.tell(status, event.occurred_at, why),
        };
        if let (None, Some((provider, id))) = (&message.provider_message_id, said.known_as.filter(|_| !said.by_others))
        {
            // an id that another message has is not taken from it
            if let Entry::Vacant(free) = self.by_name.entry((provider.to_owned(), id.to_owned())) {
                message.provider_message_id = Some(id.to_owned());
                message.provider.get_or_insert_with(|| provider.to_owned());
                free.insert(at);
                changed = true;
            }
        }
        // every event of a message that says what it costs says the same
        if let Some(cost) = cost_of(event).filter(|_| !other) {
            changed |= message.charged.replace(cost).is_none();
        }
        self.changed[at] |= changed;
        changed
    }

    /// Adds what its recipient did with it; whether it changed anything.
    pub fn tell_feedback(&mut self, at: usize, event: &Waiting, feedback: Feedback) -> bool {
        let changed = self.messages[at].progress.tell_feedback(feedback, event.occurred_at);
        self.changed[at] |= changed;
        changed
    }

    /// A message of the page.
    pub fn message(&self, at: usize) -> &Tracked {
        &self.messages[at]
    }

    /// Adds that it was answered.
    pub fn tell_reply(&mut self, at: usize, when: DateTime<Utc>) {
        self.changed[at] |= self.messages[at].progress.tell_reply(when);
    }

    pub fn changed(&self) -> impl Iterator<Item = &Tracked> {
        self.messages.iter().zip(&self.changed).filter(|(_, changed)| **changed).map(|(message, _)| message)
    }

    /// Those of campaigns that turn out to have been sent, or not to have been.
    pub fn crossed(&self) -> Vec<i64> {
        let both = self.messages.iter().zip(&self.was_sent);
        let crosses = |(message, was_sent): &(&Tracked, &bool)| {
            message.campaign_id.is_some() && message.progress.status.is_sent() != **was_sent
        };
        both.filter(crosses).map(|(message, _)| message.id).collect()
    }
}

fn cost_of(event: &Waiting) -> Option<Cost> {
    let cost = event.cost.as_ref()?;
    Cost::charged(cost["amount"].as_str()?, cost["currency"].as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::messaging::Progress;

    fn message(id: i64, name: Option<&str>) -> Tracked {
        Tracked {
            id,
            campaign_id: Some(1),
            customer_id: None,
            channel: domain::messaging::Channel::Whatsapp,
            address: "+919876543210".to_owned(),
            flow: None,
            case_id: None,
            provider: Some("meta".to_owned()),
            provider_message_id: name.map(str::to_owned),
            rehearsal: false,
            charged: None,
            progress: Progress::at(MessageStatus::Sending),
        }
    }

    fn event(provider: &str, message: Option<i64>, name: &str, status: &str) -> Waiting {
        Waiting {
            id: 1,
            provider: provider.to_owned(),
            kind: "status".to_owned(),
            message_id: message,
            provider_message_id: Some(name.to_owned()),
            status: Some(status.to_owned()),
            error_code: None,
            error_message: None,
            address: None,
            occurred_at: DateTime::UNIX_EPOCH,
            received_at: DateTime::UNIX_EPOCH,
            apply_after: DateTime::UNIX_EPOCH,
            inbound: None,
            cost: None,
            bounce: None,
            feedback: None,
            automatic: false,
            url: None,
            link: None,
        }
    }

    fn tell(known: &mut Known, event: &Waiting) -> Option<bool> {
        let said = Said::of(event);
        let at = known.find(&said)?;
        Some(known.tell(at, event, &said))
    }

    #[test]
    fn a_message_is_found_by_our_id_or_by_the_providers() {
        let mut known = Known::new(vec![message(1, None), message(2, Some("b"))]);
        assert_eq!(tell(&mut known, &event("meta", None, "a", "sent")), None);
        assert_eq!(tell(&mut known, &event("meta", Some(1), "a", "sent")), Some(true));
        assert_eq!(tell(&mut known, &event("meta", None, "a", "delivered")), Some(true), "it is known by now");
        assert_eq!(tell(&mut known, &event("meta", None, "b", "read")), Some(true));
        assert_eq!(tell(&mut known, &event("other", Some(2), "c", "read")), None, "not that provider's message");
        let sent = event("meta", Some(2), "b", "sent");
        assert_eq!(tell(&mut known, &sent), Some(false), "it was read, and so was sent by then");
        let earlier = Waiting { occurred_at: sent.occurred_at - chrono::TimeDelta::seconds(1), ..sent };
        assert_eq!(tell(&mut known, &earlier), Some(true), "an earlier time");
        assert_eq!(known.messages[0].progress.status, MessageStatus::Delivered);
        assert_eq!(known.changed().count(), 2);
    }

    #[test]
    fn the_failure_of_another_attempt_is_not_the_messages() {
        let mut known = Known::new(vec![message(1, Some("second"))]);
        assert_eq!(tell(&mut known, &event("meta", Some(1), "first", "failed")), Some(false));
        assert_eq!(tell(&mut known, &event("meta", Some(1), "first", "delivered")), Some(true));
        assert_eq!(known.messages[0].provider_message_id.as_deref(), Some("second"));
    }

    #[test]
    fn an_id_that_another_message_has_stays_with_it() {
        let mut known = Known::new(vec![message(1, None), message(2, Some("b"))]);
        assert_eq!(tell(&mut known, &event("meta", Some(1), "b", "sent")), Some(true));
        assert_eq!(known.messages[0].provider_message_id, None);
    }
}
