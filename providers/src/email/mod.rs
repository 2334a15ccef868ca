//! E-mail: one message to one recipient, over SMTP or, without a mail server, into the storage.
//!
//! A call fails with a [`SendFailure`] whose class says what to do, as every channel's does.

mod config;
mod message;
mod outbox;
mod smtp;

pub use config::{Encryption, SmtpConfig, is_sender};
pub use message::EmailMessage;
pub use outbox::Outbox;
pub use smtp::{Smtp, SmtpError};

use domain::messaging::SendFailure;
use futures_util::future::BoxFuture;

/// An account that sends e-mail.
pub trait EmailProvider: Send + Sync {
    /// The provider's name in `messages.provider` and in logs.
    fn name(&self) -> &'static str;

    /// What messages are from unless they say otherwise: an address, with or without a name.
    fn sender(&self) -> &str;

    /// Hands one message over. Never tries twice: the caller's record of attempts is the only one.
    fn send<'a>(&'a self, message: &'a EmailMessage) -> BoxFuture<'a, Result<(), SendFailure>>;
}
