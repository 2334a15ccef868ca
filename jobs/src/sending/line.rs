//! Lines: the accounts of a channel, in the order in which they are tried, and what goes out over them.

use super::content::StoredFile;
use crate::process::config::Failover;
use domain::messaging::{Channel, Correlation, FailureClass, SendFailure};
use providers::{
    email::EmailMessage,
    messaging::{Accepted, EmailProvider, SendingAccount, SmsMessage, SmsProvider, WhatsappMessage, WhatsappProvider},
};
use std::sync::Arc;

/// One account, by its channel.
#[derive(Clone)]
pub enum Line {
    /// Sends WhatsApp messages.
    Whatsapp(Arc<dyn WhatsappProvider>),
    /// Sends text messages.
    Sms(Arc<dyn SmsProvider>),
    /// Sends e-mail.
    Email(Arc<dyn EmailProvider>),
}

/// A message ready to go out, by its channel.
#[derive(Debug)]
pub enum Written {
    /// Over WhatsApp.
    Whatsapp(WhatsappMessage),
    /// As a text message.
    Sms(SmsMessage),
    /// By e-mail.
    Email {
        /// The message.
        message: Box<EmailMessage>,
        /// Files that are to go along and are still in the storage.
        files: Vec<StoredFile>,
    },
}

impl Written {
    /// The attempt, and to whom it goes.
    pub fn handed(&self) -> Option<(Correlation, &str)> {
        match self {
            Self::Whatsapp(message) => Some((message.correlation, message.to.as_str())),
            Self::Sms(message) => Some((message.correlation, message.to.as_str())),
            Self::Email { message, .. } => message.correlation.map(|correlation| (correlation, message.to.as_str())),
        }
    }
}

impl Line {
    /// The account behind it.
    pub fn account(&self) -> &dyn SendingAccount {
        match self {
            Self::Whatsapp(account) => account.as_ref(),
            Self::Sms(account) => account.as_ref(),
            Self::Email(account) => account.as_ref(),
        }
    }

    /// Its channel.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Whatsapp(_) => Channel::Whatsapp,
            Self::Sms(_) => Channel::Sms,
            Self::Email(_) => Channel::Email,
        }
    }

    /// What its messages are from unless they say otherwise; e-mail only.
    pub fn sender(&self) -> Option<&str> {
        match self {
            Self::Email(account) => Some(account.sender()),
            Self::Whatsapp(_) | Self::Sms(_) => None,
        }
    }

    /// Hands a message over.
    pub async fn send(&self, message: &Written) -> Result<Accepted, SendFailure> {
        match (self, message) {
            (Self::Whatsapp(account), Written::Whatsapp(message)) => account.send(message).await,
            (Self::Sms(account), Written::Sms(message)) => account.send(message).await,
            (Self::Email(account), Written::Email { message, .. }) => account.send(message).await,
            (Self::Whatsapp(_) | Self::Sms(_) | Self::Email(_), _) => Err(SendFailure::new(
                FailureClass::Request,
                Some("channel".into()),
                "it is written for another channel",
            )),
        }
    }
}

/// The lines of every channel.
#[derive(Clone)]
pub struct Lines {
    lines: Vec<Line>,
    rehearsal: Vec<Line>,
    failover: Failover,
    registered: Vec<String>,
}

impl Lines {
    /// These, those of a channel in the order in which they are tried; and those over which campaigns are rehearsed.
    /// `registered`: countries that take no text message whose text was not registered.
    pub fn new(lines: Vec<Line>, rehearsal: Vec<Line>, failover: Failover, registered: Vec<String>) -> Self {
        Self { lines, rehearsal, failover, registered }
    }

    /// Countries, as ISO 3166 alpha-2, that take no text message whose text was not registered.
    pub fn registered_countries(&self) -> &[String] {
        &self.registered
    }

    /// Those of a channel that may be used in turn: only the first, unless the channel fails over.
    pub fn of(&self, channel: Channel) -> Vec<Line> {
        let own = self.lines.iter().filter(|line| line.channel() == channel).cloned();
        own.take(if self.failover.of(channel) { usize::MAX } else { 1 }).collect()
    }

    /// That over which a campaign is rehearsed: nobody gets what goes out over it.
    pub fn rehearsing(&self, channel: Channel) -> Vec<Line> {
        self.rehearsal.iter().filter(|line| line.channel() == channel).cloned().collect()
    }

    /// All of them.
    pub fn all(&self) -> &[Line] {
        &self.lines
    }
}
