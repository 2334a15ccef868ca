//! E-mail: one message to one recipient, over SMTP or, without a mail server, into the storage.
//!
//! A call fails with a [`SendFailure`](domain::messaging::SendFailure) whose class says what to do, as every channel's
//! does. Amazon SES and SendGrid are modules of their own, over the same message.

pub(crate) mod answers;
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
pub use message::{Attachment, EmailMessage, Unsubscribe};
pub use outbox::Outbox;
pub use smtp::{Smtp, SmtpError};
