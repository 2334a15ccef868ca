//! What a message of no campaign says, as its row keeps it.
//!
//! Reading fails on what this version of the platform did not write; the message is then left out with that reason.

use domain::messaging::{template::Variables, whatsapp::WhatsappContent};
use providers::messaging::SmsRegistration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A template, with values for its variables besides those of the recipient.
    Template {
        /// Values by name.
        #[serde(default)]
        values: BTreeMap<String, String>,
        /// Instead of the template's own; e-mail only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    /// Anything a WhatsApp chat may hold.
    Whatsapp {
        /// What it holds.
        content: WhatsappContent,
        /// The provider's id of the message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_reply_to: Option<String>,
    },
    /// A text message.
    Sms(SmsContent),
    /// An e-mail.
    Email(EmailContent),
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsContent {
    /// What it says.
    pub body: String,
    /// What it is from, when the account's own sender is not meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Its registration, where the recipient's country asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<SmsRegistration>,
    /// Seconds after which it is not delivered any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_seconds: Option<u32>,
}

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailContent {
    /// One line.
    pub subject: String,
    /// For programs that show text.
    pub text: String,
    /// For programs that show pages; made of the text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Where answers go, when not to the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Files, by where they are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<StoredFile>,
}

/// A file in the storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// A picture that the page shows as `cid:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_id: Option<String>,
}

/// The variables with the values that a caller gave.
pub(super) fn with_given(variables: Variables, values: &BTreeMap<String, String>) -> Variables {
    Variables { given: values.clone(), ..variables }
}

/// Whether a WhatsApp message is a template, which may go to those who never wrote to us.
pub(super) fn begins_a_chat(content: Option<&Value>) -> bool {
    let content = content.and_then(|content| Content::deserialize(content).ok());
    !matches!(content, Some(Content::Whatsapp { content, .. }) if !content.is_template())
}
