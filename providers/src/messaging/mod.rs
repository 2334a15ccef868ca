//! What workers call to send, and what comes back: from the call, and later as events.
//!
//! A call fails with a [`SendFailure`] whose class says what to do. Events are facts from the provider, in any order,
//! perhaps twice; the job that applies them goes by the status ladder.

mod events;
mod look_up;
mod outbound;

pub use events::{EventKind, FeedbackEvent, InboundEvent, ProviderEvent, StatusEvent};
pub use look_up::{Found, Sighting, Sightings, Unsettled};
pub use outbound::{SmsMessage, SmsRegistration, WhatsappMessage};

use crate::{email::EmailMessage, recipient_limits::PairRate};
use chrono::{DateTime, Utc};
use domain::messaging::{Correlation, Quality, SendFailure};
use futures_util::{FutureExt, future::BoxFuture};

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

/// A message that was handed over, as far as its later events need it.
#[derive(Debug, Clone, Copy)]
pub struct Handed<'a> {
    /// The message row and the attempt.
    pub correlation: Correlation,
    /// The recipient's address.
    pub to: &'a str,
    /// The provider's id of it.
    pub provider_message_id: &'a str,
}

/// What a provider thinks of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How people take its messages; `None`: not said.
    pub quality: Option<Quality>,
    /// How many different people it may write to first within a day. `Some(None)`: as many as it likes; `None`: not
    /// said.
    pub daily_recipients: Option<Option<u32>>,
}

/// An account that sends: what rate limits, pauses and records are kept for.
pub trait SendingAccount: Send + Sync {
    /// The provider's name in `messages.provider` and `provider_events.provider`.
    fn name(&self) -> &'static str;

    /// The sending account, unique among all: `twilio:AC…`.
    fn account(&self) -> &str;

    /// The account's rate limit, shared by all workers.
    fn rate(&self) -> SendRate;

    /// How fast it may send to one recipient, where the provider limits that.
    fn pair_rate(&self) -> Option<PairRate> {
        None
    }

    /// Asks what the provider thinks of it; `None`: it thinks nothing.
    fn standing(&self) -> BoxFuture<'_, Result<Option<Standing>, SendFailure>> {
        async { Ok(None) }.boxed()
    }

    /// Whether [`Self::look_up`] can find anything: most providers have nothing that can be asked.
    fn looks_up(&self) -> bool {
        false
    }

    /// Looks for an attempt whose outcome is unknown.
    fn look_up<'a>(&'a self, attempt: &'a Unsettled) -> BoxFuture<'a, Result<Sightings, SendFailure>> {
        let _ = attempt;
        async { Ok(Sightings::default()) }.boxed()
    }

    /// What a provider without webhooks will have to say about a message it accepted at `at`: empty for a real one.
    fn simulated_events(&self, handed: Handed<'_>, at: DateTime<Utc>) -> Vec<ProviderEvent> {
        let _ = (handed, at);
        Vec::new()
    }
}

/// An account that sends WhatsApp messages.
pub trait WhatsappProvider: SendingAccount {
    /// Hands one message over. Never tries twice: the caller's record of attempts is the only one.
    fn send<'a>(&'a self, message: &'a WhatsappMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>>;
}

/// An account that sends text messages.
pub trait SmsProvider: SendingAccount {
    /// Hands one message over. Never tries twice: the caller's record of attempts is the only one.
    fn send<'a>(&'a self, message: &'a SmsMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>>;
}

/// An account that sends e-mail.
pub trait EmailProvider: SendingAccount {
    /// What messages are from unless they say otherwise: an address, with or without a name.
    fn sender(&self) -> &str;

    /// Hands one message over. Never tries twice: the caller's record of attempts is the only one.
    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<Accepted, SendFailure>>;
}
