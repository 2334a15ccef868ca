//! What became of an attempt whose outcome is unknown, from the account's list of messages.
//!
//! Twilio echoes nothing of ours in a list, so an attempt is known by its recipient and its time. The list is not
//! narrowed by `DateSent`: a message that still waits at Twilio has none and would be missed.

use super::{
    classes::{Origin, classify},
    wire::{Message, Page, status},
};
use crate::{
    messaging::{Sighting, Sightings, Unsettled},
    whatsapp_cloud::masked,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{FailureClass, MessageStatus, SendFailure};

/// Messages asked for at once; Twilio lists the newest first.
pub(super) const PAGE: &str = "100";
/// How far the two clocks may be apart.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// A call has ended one way or another by then, and the list shows what it made.
const SETTLED: TimeDelta = TimeDelta::minutes(10);

/// Reads the list of one recipient's messages. `answered_at`: Twilio's clock, by the answer's `Date`.
pub(super) fn sightings(page: Page, attempt: &Unsettled, answered_at: Option<DateTime<Utc>>) -> Sightings {
    let (from, until) = (attempt.since - SKEW, attempt.since + SETTLED);
    // more messages than a page, all of them newer: the one that is looked for is on another
    let oldest = page.messages.iter().filter_map(Message::created_at).min();
    let complete = page.next_page_uri.is_none() || oldest.is_some_and(|oldest| oldest < from);
    let in_time = page.messages.into_iter().filter(|message| {
        // one without a date may be the one
        message.is_ours() && message.created_at().is_none_or(|at| from <= at && at <= until)
    });
    let read: Vec<Option<Sighting>> = in_time.map(|message| sighting(message, attempt.correlation.attempt)).collect();
    // one without an id cannot be told from others
    let whole = complete && read.iter().all(Option::is_some);
    let messages = read.into_iter().flatten().collect();
    Sightings { messages, whole, over: answered_at.is_some_and(|now| now > until) }
}

fn sighting(message: Message, attempt: i32) -> Option<Sighting> {
    let status = status(&message.status).unwrap_or(MessageStatus::Sent);
    let failure = (status == MessageStatus::Failed).then(|| {
        let class = message.error_code.map(|code| classify(code, Origin::Callback, attempt));
        let text = masked(message.error_message.as_deref().unwrap_or(&message.status));
        let code = message.error_code.map(|code| code.to_string().into());
        SendFailure::new(class.unwrap_or(FailureClass::Recipient), code, &text)
    });
    let (at, cost) = (message.changed_at(), message.cost());
    Some(Sighting { provider_message_id: message.id()?, status, at, failure, cost })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messaging::Found;
    use domain::{ids::MessageId, messaging::Correlation};
    use serde_json::{Value, json};
    use std::collections::HashSet;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn message(minutes: i64, direction: &str) -> Value {
        json!({"sid": "SM1", "status": "delivered", "direction": direction, "date_created": at(minutes).to_rfc2822()})
    }

    fn attempt() -> Unsettled {
        let correlation = Correlation { message: MessageId(1), attempt: 1 };
        Unsettled { correlation, to: "+919876543210".to_owned(), since: at(0) }
    }

    fn found(messages: &[Value], more: bool, now: i64) -> Found {
        let page = json!({"messages": messages, "next_page_uri": more.then_some("/next")});
        sightings(serde_json::from_value(page).unwrap(), &attempt(), Some(at(now))).judge(&HashSet::new(), 0)
    }

    fn is_taken(found: &Found) -> bool {
        matches!(found, Found::Taken(one) if one.provider_message_id == "SM1" && one.status == MessageStatus::Delivered)
    }

    #[test]
    fn one_message_of_the_time_is_the_attempt() {
        let ours = message(1, "outbound-api");
        assert!(is_taken(&found(std::slice::from_ref(&ours), false, 2)));
        let others = [message(30, "outbound-api"), ours.clone(), message(-9, "outbound-api")];
        assert!(is_taken(&found(&others, true, 99)));
        assert!(is_taken(&found(&[message(2, "inbound"), ours.clone()], false, 99)));
        assert_eq!(found(&[ours.clone(), ours], false, 99), Found::CannotTell);
    }

    #[test]
    fn none_is_proof_only_after_a_while_and_of_a_whole_list() {
        assert_eq!(found(&[], false, 11), Found::NotTaken);
        assert_eq!(found(&[], false, 3), Found::CannotTell);
        assert_eq!(found(&[message(30, "outbound-api")], true, 60), Found::CannotTell);
        assert_eq!(found(&[message(30, "outbound-api"), message(-30, "outbound-api")], true, 60), Found::NotTaken);
        let page = serde_json::from_value(json!({"messages": []})).unwrap();
        let seen = sightings(page, &attempt(), None);
        assert_eq!(seen.judge(&HashSet::new(), 0), Found::CannotTell, "without a clock nothing is proved");
    }

    #[test]
    fn what_failed_says_why_and_what_was_charged_is_read() {
        let mut failed = message(1, "outbound-api");
        failed["status"] = "undelivered".into();
        failed["error_code"] = 30_005.into();
        failed["price"] = "-0.00750".into();
        failed["price_unit"] = "usd".into();
        let Found::Taken(one) = found(&[failed], false, 30) else { panic!("it was taken") };
        assert_eq!(one.failure.unwrap().code.as_deref(), Some("30005"));
        let cost = one.cost.unwrap();
        assert_eq!((cost.amount.to_string().as_str(), cost.currency.as_str()), ("0.00750", "USD"));
    }
}
