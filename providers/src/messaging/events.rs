//! Facts from providers: what became of a message, what people did with it, and what they wrote.

use chrono::{DateTime, Utc};
use domain::{
    contact::Phone,
    messaging::{BounceKind, Correlation, Feedback, MessageStatus, SendFailure, price::Cost},
};
use serde_json::Value;

/// One fact from a provider, unique by `id` among that provider's events.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderEvent {
    /// Derived from the event itself, so that a repeated delivery has the same; at most [`Self::ID_LIMIT`] bytes.
    pub id: String,
    /// When it happened, by the provider's clock. A simulated event may lie ahead and is not applied before.
    pub occurred_at: DateTime<Utc>,
    /// As the provider sent it, for the record.
    pub payload: Value,
    /// What it says.
    pub kind: EventKind,
}

impl ProviderEvent {
    /// The longest id, in bytes.
    pub const ID_LIMIT: usize = 255;
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// How one of our messages fares.
    Status(StatusEvent),
    /// What a recipient, or their mail server, did with one of our messages.
    Feedback(FeedbackEvent),
    /// Somebody wrote to us.
    Inbound(InboundEvent),
    /// Anything else, kept as it came.
    Other,
}

impl EventKind {
    /// The name in `provider_events.kind`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Feedback(_) => "feedback",
            Self::Inbound(_) => "inbound",
            Self::Other => "other",
        }
    }
}

/// How one of our messages fares.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusEvent {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The attempt, when the provider echoed it and it is ours.
    pub correlation: Option<Correlation>,
    /// Where the message stands.
    pub status: MessageStatus,
    /// The recipient: E.164, or an address in small letters.
    pub recipient: Option<String>,
    /// Why it failed; only with [`MessageStatus::Failed`].
    pub failure: Option<SendFailure>,
    /// How it came back; only with [`MessageStatus::Failed`].
    pub bounce: Option<BounceKind>,
    /// What the provider charges for it, when it says so.
    pub cost: Option<Cost>,
}

/// What a recipient, or their mail server, did with one of our messages.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackEvent {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The attempt, when the provider echoed it and it is ours.
    pub correlation: Option<Correlation>,
    /// What they did.
    pub feedback: Feedback,
    /// The recipient: E.164, or an address in small letters.
    pub recipient: Option<String>,
    /// The link that was followed.
    pub url: Option<String>,
    /// Not a person: a prefetching proxy, a scanner.
    pub automatic: bool,
    /// What was said with it: a diagnosis, a kind of complaint.
    pub detail: Option<String>,
}

/// Somebody wrote to us.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundEvent {
    /// The provider's id of what they wrote.
    pub provider_message_id: String,
    /// Who wrote.
    pub from: Phone,
    /// What they wrote, or the label of the button they chose; `None` for pictures and the like.
    pub text: Option<String>,
    /// The provider's id of the message it answers.
    pub in_reply_to: Option<String>,
    /// The id of the button or row they chose, or the token of the form they filled in.
    pub choice: Option<String>,
    /// What else came with it: a form's answers, a file's id and kind.
    pub content: Option<Value>,
    /// The name they go by at the provider.
    pub profile_name: Option<String>,
}
