//! What mails of the bounce mailbox say, as events.
//!
//! Anybody may write to the mailbox, and numbers of messages can be guessed. A report counts only when it names whom the
//! message was written to: somebody who knows neither cannot have addresses given up. What does not fit is kept as it
//! came, and changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use domain::messaging::{
    BounceKind, Correlation, FailureClass, Feedback, MessageStatus, SendFailure,
    bounce::{Diagnosis, EnhancedStatus},
};
use providers::{
    bounce_mail::{BounceMail, Fate, Outcome, What},
    messaging::{EventKind, FeedbackEvent, ProviderEvent, StatusEvent},
};
use schema::bounce_mailboxes::Written;
use serde_json::{Value, json};
use std::{borrow::Cow, collections::HashMap};

/// Clocks of mail servers that are further off are not believed.
const OLDEST: TimeDelta = TimeDelta::days(30);

/// The messages that mails claim to be about.
pub(super) fn claimed(mails: &[BounceMail]) -> Vec<i64> {
    let mut ids: Vec<i64> =
        mails.iter().filter_map(|mail| mail.original.correlation).map(|correlation| correlation.message.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The events of some mails; ordinary ones have none. `written` are the messages they claim to be about.
pub(super) fn events(mails: &[BounceMail], written: Vec<Written>, now: DateTime<Utc>) -> Vec<ProviderEvent> {
    let written: HashMap<i64, Written> = written.into_iter().map(|written| (written.id, written)).collect();
    let mut events = Vec::new();
    for mail in mails.iter().filter(|mail| matches!(mail.what, What::Report | What::Complaint)) {
        let message = mail.original.correlation.and_then(|about| Some((about, written.get(&about.message.0)?)));
        for (number, outcome) in mail.outcomes.iter().enumerate() {
            let fitting = message.filter(|(about, written)| fits(mail, outcome, *about, written));
            let kind = match fitting {
                Some((about, written)) => kind(mail, outcome, about, written),
                None => EventKind::Other,
            };
            let occurred_at = mail.sent_at.filter(|at| now - *at < OLDEST).map_or(now, |at| at.min(now));
            events.push(ProviderEvent {
                id: format!("bounce:{}:{number}", mail.id),
                occurred_at,
                payload: payload(mail, outcome),
                kind,
            });
        }
    }
    events
}

/// A mail that was passed on comes back from another address, with ours in its returned headers.
fn fits(mail: &BounceMail, outcome: &Outcome, about: Correlation, written: &Written) -> bool {
    // the report may be here before the attempt is recorded
    let tried = i32::from(written.attempts) + 1 >= about.attempt;
    let named = outcome.recipients.iter().chain(&mail.original.to).any(|address| *address == written.address);
    tried && named
}

fn kind(mail: &BounceMail, outcome: &Outcome, about: Correlation, written: &Written) -> EventKind {
    let provider_message_id = mail.original.message_id.clone().unwrap_or_else(|| about.to_string());
    let recipient = Some(written.address.clone());
    let status = |status, failure, bounce| {
        let provider_message_id = provider_message_id.clone();
        EventKind::Status(StatusEvent {
            provider_message_id,
            correlation: Some(about),
            status,
            recipient: recipient.clone(),
            failure,
            bounce,
            cost: None,
        })
    };
    let feedback = |feedback| {
        EventKind::Feedback(FeedbackEvent {
            provider_message_id: provider_message_id.clone(),
            correlation: Some(about),
            feedback,
            recipient: recipient.clone(),
            url: None,
            automatic: false,
            detail: Some(without_addresses(&outcome.diagnostic)),
        })
    };
    match (mail.what, outcome.fate, outcome.kind) {
        (What::Complaint, ..) => feedback(Feedback::Complained),
        (_, Fate::Delayed, _) => feedback(Feedback::Deferred),
        (_, Fate::Failed, Some(bounce)) => status(MessageStatus::Failed, Some(failure(outcome, bounce)), Some(bounce)),
        (_, Fate::Delivered, _) => status(MessageStatus::Delivered, None, None),
        _ => EventKind::Other,
    }
}

fn failure(outcome: &Outcome, bounce: BounceKind) -> SendFailure {
    let class = match bounce {
        BounceKind::Block => FailureClass::Request,
        _ => FailureClass::Recipient,
    };
    let code = outcome.status.map(|status: EnhancedStatus| status.to_string());
    let code = code.or_else(|| outcome.smtp.map(|code| code.to_string())).map(Cow::Owned);
    SendFailure::new(class, code, &without_addresses(&outcome.diagnostic))
}

/// What was said, without the addresses that servers like to repeat.
fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn payload(mail: &BounceMail, outcome: &Outcome) -> Value {
    let found: Option<Diagnosis> =
        outcome.kind.map(|kind| Diagnosis { kind, status: outcome.status, smtp: outcome.smtp });
    json!({
        "mail": mail.id,
        "sentAt": mail.sent_at,
        "messageId": mail.original.message_id,
        "correlation": mail.original.correlation.map(|id| id.to_string()),
        "recipients": outcome.recipients,
        "fate": format!("{:?}", outcome.fate).to_lowercase(),
        "bounce": found.map(|found| found.kind.as_str()),
        "status": outcome.status.map(|status| status.to_string()),
        "smtp": outcome.smtp,
        "diagnostic": outcome.diagnostic,
    })
}
