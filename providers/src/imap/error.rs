//! What can go wrong with a mailbox.

use std::io;

/// The mailbox could not be set up or read.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// `BOUNCE_IMAP_CA_FILE` cannot be read.
    #[error("BOUNCE_IMAP_CA_FILE cannot be read")]
    CaFile(#[source] io::Error),
    /// Its name cannot be what a certificate is for.
    #[error("the mail server's name cannot be used with TLS")]
    Name,
    /// The connection could not be made, or broke.
    #[error("the connection to the mailbox failed")]
    Connection(#[from] io::Error),
    /// The server took too long.
    #[error("the mailbox's server took too long")]
    TimedOut,
    /// The account is refused: a person must see to it.
    #[error("the mailbox's server refuses the account")]
    SignIn(#[source] async_imap::error::Error),
    /// The server refused a command or answered what makes no sense.
    #[error("the mailbox's server did not do what was asked")]
    Protocol(#[from] async_imap::error::Error),
}

impl ImapError {
    /// Whether trying again soon makes sense.
    pub const fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::TimedOut | Self::Protocol(_))
    }
}
