//! One message to one recipient, by channel. E-mail's is [`EmailMessage`](crate::email::EmailMessage).

use domain::{
    contact::Phone,
    messaging::{Correlation, Purpose, whatsapp::WhatsappContent},
};
use std::time::Duration;

/// A WhatsApp message.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatsappMessage {
    /// The recipient.
    pub to: Phone,
    /// What it holds.
    pub content: WhatsappContent,
    /// The provider's id of the message it answers.
    pub in_reply_to: Option<String>,
    /// The message row and the attempt; comes back with every event.
    pub correlation: Correlation,
}

/// A text message to a phone.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// The recipient.
    pub to: Phone,
    /// What it says.
    pub body: String,
    /// What it is from, when the account's own sender is not meant.
    pub sender: Option<String>,
    /// What it is for: routes of promotional messages differ.
    pub purpose: Purpose,
    /// Its registration, where the recipient's country asks for one.
    pub registration: Option<SmsRegistration>,
    /// After this it is not delivered any more.
    pub validity: Option<Duration>,
    /// The message row and the attempt; comes back with events where the provider can echo it.
    pub correlation: Correlation,
}

/// A registration on India's DLT platform: ids that travel with each message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SmsRegistration {
    /// The sender's principal entity.
    pub entity_id: String,
    /// The approved header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The approved text.
    pub template_id: String,
}

impl std::fmt::Debug for SmsMessage {
    /// Personal data is not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmsMessage({})", self.correlation)
    }
}
