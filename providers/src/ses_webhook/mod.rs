//! The events of Amazon SES, as a topic delivers them: what they say of our messages.
//!
//! A pure function over the message of a delivery that [`sns_webhook`](crate::sns_webhook) has made sure of. Nothing is
//! an error: what is not understood is kept as it came. Ids are derived from what an event says, since a topic delivers
//! more than once, and with several recipients in one event. Source: the vendor's developer guide.

mod bounce;

use crate::{
    email::{CORRELATION_HEADER, masked},
    messaging::{EventKind, FeedbackEvent, ProviderEvent, StatusEvent},
    ses::CORRELATION_TAG,
    webhook_json::{address, hashed, list, plausible, storable},
};
use bounce::{bounced, refused, unreadable_template};
use chrono::{DateTime, Utc};
use domain::messaging::{BounceKind, Correlation, Feedback, MessageStatus, SendFailure};
use serde_json::{Value, json};

/// The most recipients of one event that are told apart; SES takes 50 a message.
const RECIPIENTS: usize = 100;
/// The longest link that is kept, in bytes.
const LINK_LIMIT: usize = 2_000;
/// What Apple's proxy calls itself, which opens every message.
const PREFETCHING: &str = "Mozilla/5.0";

/// Reads the message of a delivery. `received_at` stands in for times that cannot be read.
pub fn parse(message: &str, received_at: DateTime<Utc>) -> Vec<ProviderEvent> {
    let Ok(event) = serde_json::from_str(message).map(storable) else {
        // SES greets a new topic with a sentence
        let payload = json!({"message": message.replace('\0', "")});
        return vec![other(payload, received_at)];
    };
    let read = Read::of(&event);
    let told = read.as_ref().map(Read::told).unwrap_or_default();
    if told.is_empty() {
        let time = read.and_then(|read| read.time()).unwrap_or(received_at);
        return vec![other(event, time)];
    }
    let time = read.and_then(|read| read.time()).unwrap_or(received_at);
    let whole = event.to_string();
    let row = |(recipient, kind): (Option<String>, EventKind)| ProviderEvent {
        id: hashed("ses", &[&whole, recipient.as_deref().unwrap_or_default()]),
        occurred_at: time,
        payload: event.clone(),
        kind,
    };
    told.into_iter().map(row).collect()
}

fn other(payload: Value, occurred_at: DateTime<Utc>) -> ProviderEvent {
    ProviderEvent { id: hashed("other", &[&payload.to_string()]), occurred_at, payload, kind: EventKind::Other }
}

struct Read<'a> {
    event: &'a Value,
    kind: &'a str,
    message_id: &'a str,
    correlation: Option<Correlation>,
}

impl<'a> Read<'a> {
    fn of(event: &'a Value) -> Option<Self> {
        let mail = &event["mail"];
        let kind = event["eventType"].as_str().or_else(|| event["notificationType"].as_str())?;
        let message_id = mail["messageId"].as_str().filter(|id| (1..=255).contains(&id.len()))?;
        let header = || {
            let header = |header: &&Value| {
                header["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(CORRELATION_HEADER))
            };
            list(mail, "headers").iter().find(header)?["value"].as_str()
        };
        let tag = mail["tags"][CORRELATION_TAG][0].as_str().or_else(header);
        Some(Self { event, kind, message_id, correlation: tag.and_then(|text| text.parse().ok()) })
    }

    /// The part of the event that its kind names.
    fn part(&self) -> &'a Value {
        let name = match self.kind {
            "Bounce" => "bounce",
            "Complaint" => "complaint",
            "Delivery" => "delivery",
            "DeliveryDelay" => "deliveryDelay",
            "Open" => "open",
            "Click" => "click",
            "Reject" => "reject",
            "Subscription" => "subscription",
            "Rendering Failure" | "RenderingFailure" => "failure",
            _ => "mail",
        };
        &self.event[name]
    }

    fn time(&self) -> Option<DateTime<Utc>> {
        let read = |value: &Value| DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc());
        read(&self.part()["timestamp"]).or_else(|| read(&self.event["mail"]["timestamp"])).and_then(plausible)
    }

    /// What it says, by recipient.
    fn told(&self) -> Vec<(Option<String>, EventKind)> {
        let part = self.part();
        match self.kind {
            "Send" => self.each(&[], |recipient| self.status(recipient, MessageStatus::Sent, None)),
            "Delivery" => {
                self.each(list(part, "recipients"), |recipient| self.status(recipient, MessageStatus::Delivered, None))
            }
            "Bounce" => {
                let of = |item: &Value| {
                    (address(&item["emailAddress"]), self.failed(&item["emailAddress"], bounced(part, item)))
                };
                list(part, "bouncedRecipients").iter().take(RECIPIENTS).map(of).collect()
            }
            "Reject" => self.each(&[], |recipient| self.failed(recipient, refused(part))),
            "Rendering Failure" | "RenderingFailure" => {
                self.each(&[], |recipient| self.failed(recipient, unreadable_template(part)))
            }
            "Complaint" => self.complaint(part),
            "DeliveryDelay" => {
                let of = |item: &Value| {
                    let said = item["diagnosticCode"].as_str().or_else(|| part["delayType"].as_str());
                    let detail = said.map(|said| masked(said).chars().take(300).collect());
                    let kind = self.feedback(&item["emailAddress"], Feedback::Deferred);
                    (address(&item["emailAddress"]), EventKind::Feedback(FeedbackEvent { detail, ..kind }))
                };
                list(part, "delayedRecipients").iter().take(RECIPIENTS).map(of).collect()
            }
            "Open" => self.each(&[], |recipient| {
                let automatic = part["userAgent"].as_str() == Some(PREFETCHING);
                EventKind::Feedback(FeedbackEvent { automatic, ..self.feedback(recipient, Feedback::Opened) })
            }),
            "Click" => self.each(&[], |recipient| {
                let url = part["link"].as_str().filter(|url| url.len() <= LINK_LIMIT).map(str::to_owned);
                EventKind::Feedback(FeedbackEvent { url, ..self.feedback(recipient, Feedback::Clicked) })
            }),
            "Subscription" if part["newTopicPreferences"]["unsubscribeAll"] == true => {
                self.each(&[], |recipient| EventKind::Feedback(self.feedback(recipient, Feedback::Unsubscribed)))
            }
            _ => Vec::new(),
        }
    }

    fn complaint(&self, part: &Value) -> Vec<(Option<String>, EventKind)> {
        // somebody took it out of the spam folder
        if part["complaintFeedbackType"] == "not-spam" {
            return Vec::new();
        }
        let of = |item: &Value| {
            let recipient = &item["emailAddress"];
            let kind = if part["complaintSubType"] == "OnAccountSuppressionList" {
                // not sent at all: they complained before
                let failure = SendFailure::new(
                    domain::messaging::FailureClass::Recipient,
                    Some("OnAccountSuppressionList".into()),
                    "SES did not try: the recipient complained before",
                );
                self.failed(recipient, (BounceKind::Complaint, failure))
            } else {
                let detail =
                    part["complaintFeedbackType"].as_str().map(|said| masked(said).chars().take(300).collect());
                EventKind::Feedback(FeedbackEvent { detail, ..self.feedback(recipient, Feedback::Complained) })
            };
            (address(recipient), kind)
        };
        list(part, "complainedRecipients").iter().take(RECIPIENTS).map(of).collect()
    }

    /// For each of the listed recipients; without a list, for the message's own when it had but one.
    fn each(&self, recipients: &[Value], of: impl Fn(&Value) -> EventKind) -> Vec<(Option<String>, EventKind)> {
        match (recipients, list(&self.event["mail"], "destination")) {
            ([], [only]) => vec![(address(only), of(only))],
            ([], _) => vec![(None, of(&Value::Null))],
            (listed, _) => {
                listed.iter().take(RECIPIENTS).map(|recipient| (address(recipient), of(recipient))).collect()
            }
        }
    }

    fn status(&self, recipient: &Value, status: MessageStatus, failed: Option<(BounceKind, SendFailure)>) -> EventKind {
        let (bounce, failure) = failed.unzip();
        EventKind::Status(StatusEvent {
            provider_message_id: self.message_id.to_owned(),
            correlation: self.correlation,
            status,
            recipient: address(recipient),
            failure,
            bounce,
            cost: None,
        })
    }

    fn failed(&self, recipient: &Value, why: (BounceKind, SendFailure)) -> EventKind {
        self.status(recipient, MessageStatus::Failed, Some(why))
    }

    fn feedback(&self, recipient: &Value, feedback: Feedback) -> FeedbackEvent {
        FeedbackEvent {
            provider_message_id: self.message_id.to_owned(),
            correlation: self.correlation,
            feedback,
            recipient: address(recipient),
            url: None,
            automatic: false,
            detail: None,
        }
    }
}

#[cfg(test)]
mod tests;
