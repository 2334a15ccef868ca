//! E-mail: one message to one recipient, over SMTP or, without a mail server, into the storage.
//!
//! A call fails with a [`SendFailure`] whose class says what to do, as every channel's does.

mod config;
mod message;
mod outbox;
mod smtp;

pub use crate::messaging::EmailProvider;
pub use config::{Encryption, SmtpConfig, is_sender};
pub use message::{Attachment, EmailMessage, Unsubscribe};
pub use outbox::Outbox;
pub use smtp::{Smtp, SmtpError};
