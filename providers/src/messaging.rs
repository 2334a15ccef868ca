//! What workers call to send, and what comes back: from the call, and later as events.
//!
//! A call fails with a [`SendFailure`] whose class says what to do. Events are facts from the provider, in any order,
//! perhaps twice; the job that applies them goes by the status ladder.

use chrono::{DateTime, Utc};
use domain::{
    contact::Phone,
    messaging::{Correlation, MessageStatus, SendFailure},
};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// One template message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundTemplate {
    /// The recipient.
    pub to: Phone,
    /// The template's name at the provider.
    pub template: String,
    /// The language the template was approved in, such as `en` or `en_US`.
    pub language: String,
    /// The values of the body's numbered parameters, in order.
    pub parameters: Vec<String>,
    /// The message row and the attempt; comes back with every event.
    pub correlation: Correlation,
}

/// The provider took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// Taken, but held back by the provider for a quality check: it may still not go out.
    pub held: bool,
}

/// How fast an account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRate {
    /// Messages a second, over time.
    pub per_second: u32,
    /// Messages at once after a rest.
    pub burst: u32,
}

/// An account that sends WhatsApp messages.
pub trait WhatsappProvider: Send + Sync {
    /// The provider's name in `messages.provider` and `provider_events.provider`.
    fn name(&self) -> &'static str;

    /// The sending account: what rate limits and pauses are kept for.
    fn account(&self) -> &str;

    /// The account's rate limit, shared by all workers.
    fn rate(&self) -> SendRate;

    /// Hands one message over. Never tries twice: the caller's record of attempts is the only one.
    fn send<'a>(&'a self, message: &'a OutboundTemplate) -> BoxFuture<'a, Result<Accepted, SendFailure>>;

    /// What a provider without webhooks will have to say about a message it accepted at `at`: empty for a real one.
    fn simulated_events(
        &self,
        message: &OutboundTemplate,
        accepted: &Accepted,
        at: DateTime<Utc>,
    ) -> Vec<ProviderEvent> {
        let _ = (message, accepted, at);
        Vec::new()
    }
}

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
    /// The recipient, when it is a number that can be read.
    pub recipient: Option<Phone>,
    /// Why it failed; only with [`MessageStatus::Failed`].
    pub failure: Option<SendFailure>,
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
    /// The name they go by at the provider.
    pub profile_name: Option<String>,
}
