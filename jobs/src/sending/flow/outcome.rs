//! What a call that ended says of its message: cost, segments, and events that are known in advance.

use crate::sending::{
    letter::Letters,
    line::{Line, Written},
};
use chrono::{DateTime, Utc};
use domain::messaging::{
    Segments, SendFailure,
    price::{self, Price},
};
use providers::messaging::{Accepted, Handed, ProviderEvent};
use schema::messages::{Cost, Outcome, OutcomeKind};

/// A call that ended.
pub(super) struct Call {
    pub id: i64,
    pub attempts: i16,
    pub line: Line,
    pub message: Written,
    pub result: Result<Accepted, SendFailure>,
}

/// An outcome of which nothing more is known.
pub(super) fn blank(message: i64, attempts: i16, line: &Line, kind: OutcomeKind, at: DateTime<Utc>) -> Outcome {
    let account = line.account().account().to_owned();
    Outcome { message, attempts, account, kind, code: None, detail: None, at, cost: None, segments: None }
}

/// What a provider without webhooks says of a message in advance.
pub(super) fn foretold(call: &Call, accepted: &Accepted, at: DateTime<Utc>) -> Vec<ProviderEvent> {
    let Some((correlation, to)) = call.message.handed() else { return Vec::new() };
    let handed = Handed { correlation, to, provider_message_id: &accepted.provider_message_id };
    call.line.account().simulated_events(handed, at)
}

pub(super) fn segments_of(message: &Written) -> Option<i16> {
    match message {
        Written::Sms(message) => i16::try_from(Segments::of(&message.body).count).ok(),
        Written::Whatsapp(_) | Written::Email { .. } => None,
    }
}

/// What an accepted message costs, where a price is known.
pub(super) fn cost_of(call: &Call, letters: &Letters, prices: &[Price], segments: Option<i16>) -> Option<Cost> {
    let provider = call.line.account().name();
    let address = match &call.message {
        Written::Whatsapp(message) => message.to.as_str(),
        Written::Sms(message) => message.to.as_str(),
        Written::Email { message, .. } => &message.to,
    };
    let segments = segments.and_then(|segments| u16::try_from(segments).ok());
    let cost = price::of_message(prices, provider, (call.line.channel(), letters.purpose()), address, segments)?;
    Some(Cost { amount: cost.amount, currency: cost.currency })
}
