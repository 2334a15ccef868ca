//! Typed identifiers: a number in the tables, `prefix-number` in URLs and JSON.
//!
//! Parsing fails on a wrong prefix or a number that is not positive; callers answer "not found".

use std::{fmt, str::FromStr};

/// What was given is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as {prefix}-123")]
pub struct IdError {
    /// The prefix that would have been right.
    pub prefix: &'static str,
}

/// An identifier with a prefix in its outside form.
pub trait TypedId: Copy + From<i64> + Into<i64> + FromStr<Err = IdError> + fmt::Display {
    /// The part before the dash.
    const PREFIX: &'static str;
}

fn parse(text: &str, prefix: &'static str) -> Result<i64, IdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .filter(|digits| !digits.starts_with('+'))
        .and_then(|digits| digits.parse::<i64>().ok())
        .filter(|number| *number > 0)
        .ok_or(IdError { prefix })
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
        }
        impl From<i64> for $name {
            fn from(number: i64) -> Self { Self(number) }
        }
        impl From<$name> for i64 {
            fn from(id: $name) -> i64 { id.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}-{}", $prefix, self.0) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse(text, $prefix).map(Self) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

typed_id! {
    /// A person who signs in.
    UserId = "user";
    /// A set of permissions.
    RoleId = "role";
    /// A key of a machine.
    ApiKeyId = "key";
    /// An entry of the audit log.
    AuditId = "audit";
    /// Something that happened to an account.
    SecurityEventId = "event";
    /// An office of the insurer.
    BranchId = "branch";
    /// A policy holder.
    CustomerId = "customer";
    /// A policy.
    PolicyId = "policy";
    /// One policy's renewal of one term.
    CaseId = "case";
    /// An uploaded book of policies.
    UploadId = "upload";
    /// The processing of one uploaded book.
    BatchId = "batch";
    /// A campaign on one channel.
    CampaignId = "campaign";
    /// A message template.
    TemplateId = "template";
    /// A named part of the book's customers.
    SegmentId = "segment";
    /// A survey.
    SurveyId = "survey";
    /// One outbound message.
    MessageId = "message";
    /// One outbound WhatsApp message.
    WhatsappMessageId = "wa-msg";
    /// One outbound text message.
    SmsMessageId = "sms-msg";
    /// One outbound e-mail.
    EmailMessageId = "email-msg";
    /// An entry of the suppression list.
    SuppressionId = "suppression";
    /// A WhatsApp template as its provider has it.
    WhatsappTemplateId = "wa-template";
    /// A WhatsApp flow.
    FlowId = "flow";
    /// A recurring job's timetable.
    ScheduleId = "schedule";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_outside_form() {
        let id = UploadId(123);
        assert_eq!(id.to_string(), "upload-123");
        assert_eq!("upload-123".parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"upload-123\"");
        assert_eq!(serde_json::from_str::<UploadId>("\"upload-123\"").unwrap(), id);
    }

    #[test]
    fn another_kinds_id_is_refused() {
        for text in ["campaign-1", "upload-", "upload-0", "upload--1", "upload-+1", "upload-1x", "1", ""] {
            assert!(text.parse::<UploadId>().is_err(), "{text}");
        }
    }
}
