//! What became of an attempt whose outcome is unknown, from the account's list of messages.
//!
//! Twilio echoes nothing of ours in a list, so an attempt is known by its recipient and its time. One message of ours in
//! that time is the attempt; none, long enough after, means that it was not taken; several cannot be told apart. The
//! list is not narrowed by `DateSent`: a message that still waits at Twilio has none and would be missed.

use super::wire::{Page, status};
use crate::messaging::Found;
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::MessageStatus;

/// Messages asked for at once; Twilio lists the newest first.
pub(super) const PAGE: &str = "100";
/// How far the two clocks may be apart.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// A call has ended one way or another by then, and the list shows what it made.
const SETTLED: TimeDelta = TimeDelta::minutes(10);

/// Reads the list of one recipient's messages. `answered_at`: Twilio's clock, by the answer's `Date`.
pub(super) fn judge(page: Page, since: DateTime<Utc>, answered_at: Option<DateTime<Utc>>) -> Found {
    let (from, until) = (since - SKEW, since + SETTLED);
    // more messages than a page, all of them newer: the one that is looked for is on another
    let oldest = page.messages.iter().filter_map(super::wire::Message::created_at).min();
    let whole = page.next_page_uri.is_none() || oldest.is_some_and(|oldest| oldest < from);
    let mut in_time = page.messages.into_iter().filter(|message| {
        // one without a date may be the one
        message.is_ours() && message.created_at().is_none_or(|at| from <= at && at <= until)
    });
    match (in_time.next(), in_time.next()) {
        (Some(only), None) if whole => {
            let status = status(&only.status).unwrap_or(MessageStatus::Sent);
            only.id().map_or(Found::CannotTell, |provider_message_id| Found::Taken { provider_message_id, status })
        }
        (None, None) if whole && answered_at.is_some_and(|now| now > until) => Found::NotTaken,
        _ => Found::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn message(minutes: i64, direction: &str) -> Value {
        json!({"sid": "SM1", "status": "delivered", "direction": direction, "date_created": at(minutes).to_rfc2822()})
    }

    fn found(messages: &[Value], more: bool, now: i64) -> Found {
        let page = json!({"messages": messages, "next_page_uri": more.then_some("/next")});
        judge(serde_json::from_value(page).unwrap(), at(0), Some(at(now)))
    }

    #[test]
    fn one_message_of_the_time_is_the_attempt() {
        let taken = Found::Taken { provider_message_id: "SM1".to_owned(), status: MessageStatus::Delivered };
        let ours = message(1, "outbound-api");
        assert_eq!(found(std::slice::from_ref(&ours), false, 2), taken);
        assert_eq!(found(&[message(30, "outbound-api"), ours.clone(), message(-9, "outbound-api")], true, 99), taken);
        assert_eq!(found(&[message(2, "inbound"), ours.clone()], false, 99), taken);
        assert_eq!(found(&[ours.clone(), ours], false, 99), Found::CannotTell);
    }

    #[test]
    fn none_is_proof_only_after_a_while_and_of_a_whole_list() {
        assert_eq!(found(&[], false, 11), Found::NotTaken);
        assert_eq!(found(&[], false, 3), Found::CannotTell);
        assert_eq!(found(&[message(30, "outbound-api")], true, 60), Found::CannotTell);
        assert_eq!(found(&[message(30, "outbound-api"), message(-30, "outbound-api")], true, 60), Found::NotTaken);
        let page = serde_json::from_value(json!({"messages": []})).unwrap();
        assert_eq!(judge(page, at(0), None), Found::CannotTell, "without a clock nothing is proved");
    }
}
