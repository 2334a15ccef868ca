//! E-mail: one message to one recipient, over SMTP or, without a mail server, into the storage.
//!
//! A call fails with a [`SendFailure`](domain::messaging::SendFailure) whose class says what to do, as every channel's
//! does. Amazon SES and SendGrid are modules of their own, over the same message.

mod build;
mod checked;
mod classes;
mod config;
mod dkim;
mod domains;
mod masked;
mod message;
mod outbox;
mod session;
mod smtp;

pub use crate::messaging::EmailProvider;
pub use checked::CORRELATION_HEADER;
pub use config::{DkimConfig, Encryption, SmtpConfig, is_sender};
pub use dkim::DkimError;
pub(crate) use masked::masked;
pub use message::{Attachment, EmailMessage, Unsubscribe, domain_of};
pub use outbox::Outbox;
pub use smtp::{Smtp, SmtpError};

/// The longest answer of a mail service over HTTP that is read, in bytes.
pub(crate) const ANSWER_LIMIT: usize = 64 * 1024;
/// The longest a call to it may take: a message with files goes over a slow line.
pub(crate) const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
