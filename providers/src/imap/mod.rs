//! A mailbox that programs write to, read over IMAP (RFC 9051): mails after a known one, oldest first, never changed.
//!
//! Mails are read up to a size, and a whole answer too, so that neither a mail nor a server takes the memory. Every step
//! has a time limit. A failure says whether it is worth another attempt.

mod client;
mod config;
mod error;

pub use client::{Fetched, Mailbox, Session};
pub use config::{ImapConfig, ImapEncryption};
pub use error::ImapError;
