//! What SNS posts: an envelope around a message, and the text that its signature covers.

use super::SnsError;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The longest delivery, in bytes; a message of SNS has 256 KB at most, which escapes may multiply.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// What a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SnsKind {
    /// A message of the topic.
    Notification,
    /// The topic asks whether it may deliver here.
    SubscriptionConfirmation,
    /// The topic will deliver no more.
    UnsubscribeConfirmation,
}

/// A delivery. Nothing in it is true before its signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    /// What it is.
    #[serde(rename = "Type")]
    pub kind: SnsKind,
    /// SNS's id of it.
    pub message_id: String,
    /// The topic it comes from.
    pub topic_arn: String,
    /// The message's subject.
    pub subject: Option<String>,
    /// The message.
    pub message: String,
    /// When it was posted, as text.
    pub timestamp: String,
    /// `1` or `2`.
    pub signature_version: String,
    /// In base64.
    pub signature: String,
    /// Where the certificate is.
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    pub certificate_url: String,
    /// Where a subscription is confirmed.
    #[serde(rename = "SubscribeURL", alias = "SubscribeUrl")]
    pub subscribe_url: Option<String>,
    /// With what it is confirmed.
    pub token: Option<String>,
}

impl Envelope {
    /// Reads a delivery.
    pub fn read(body: &[u8]) -> Result<Self, SnsError> {
        if body.len() > BODY_LIMIT {
            return Err(SnsError::Unreadable);
        }
        serde_json::from_slice(body).map_err(|_| SnsError::Unreadable)
    }

    /// What is signed: members in the order of their names, each on two lines.
    pub fn signed_text(&self) -> String {
        let mut text = String::new();
        let mut member = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                for part in [name, "\n", value, "\n"] {
                    text.push_str(part);
                }
            }
        };
        let (confirms, kind) = match self.kind {
            SnsKind::Notification => (false, "Notification"),
            SnsKind::SubscriptionConfirmation => (true, "SubscriptionConfirmation"),
            SnsKind::UnsubscribeConfirmation => (true, "UnsubscribeConfirmation"),
        };
        member("Message", Some(&self.message));
        member("MessageId", Some(&self.message_id));
        if confirms {
            member("SubscribeURL", Some(self.subscribe_url.as_deref().unwrap_or_default()));
        } else {
            member("Subject", self.subject.as_deref());
        }
        member("Timestamp", Some(&self.timestamp));
        if confirms {
            member("Token", Some(self.token.as_deref().unwrap_or_default()));
        }
        member("TopicArn", Some(&self.topic_arn));
        member("Type", Some(kind));
        text
    }

    /// When it was posted.
    pub fn posted_at(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.timestamp).ok().map(|time| time.to_utc())
    }

    /// The region of the topic: `arn:aws:sns:REGION:account:name`.
    pub fn region(&self) -> Option<&str> {
        self.topic_arn.split(':').nth(3).filter(|region| !region.is_empty())
    }
}
