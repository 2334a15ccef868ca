//! Why a send did not succeed, in classes that say what to do next.
//!
//! Providers map their own codes onto these; the job that sends decides by class alone.

use super::status::MessageStatus;
use std::{borrow::Cow, time::Duration};

/// What a failure means for the message, the template or the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// This recipient cannot be reached on this channel. Permanent.
    Recipient,
    /// This message, as built, is refused. Permanent; other messages may pass.
    Request,
    /// The template is missing, paused or does not fit its parameters: every message of it would be refused alike.
    Template,
    /// The provider did not take it; the same message may pass later, not before `after`.
    Retry {
        /// How long to wait, when the provider or its rules say.
        after: Option<Duration>,
    },
    /// The account sends too fast; nothing was taken. Slow the whole account down.
    RateLimited {
        /// How long to wait, when the provider says.
        after: Option<Duration>,
    },
    /// This recipient has had too many at once, whatever they say; nothing was taken. Others may pass.
    PairLimited {
        /// How long to wait, when the provider says.
        after: Option<Duration>,
    },
    /// Credentials, permissions, payment or standing of the account: pause the channel and alert somebody.
    Account,
    /// The recipient has had as much marketing as the provider allows: a day or more, never at once.
    DelayDay,
    /// The request may or may not have been taken. Wait for an event; never send again unasked.
    Unknown,
}

impl FailureClass {
    /// The name in logs, metrics and the message's error column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Request => "request",
            Self::Template => "template",
            Self::Retry { .. } => "retry",
            Self::RateLimited { .. } => "rate_limited",
            Self::PairLimited { .. } => "pair_limited",
            Self::Account => "account",
            Self::DelayDay => "delay_day",
            Self::Unknown => "unknown",
        }
    }

    /// The status the message takes; `None` sends it back to pending, for another attempt when the class allows one.
    pub const fn settles(self) -> Option<MessageStatus> {
        match self {
            Self::Recipient | Self::Request | Self::Template => Some(MessageStatus::Failed),
            Self::Unknown => Some(MessageStatus::Unconfirmed),
            Self::Retry { .. }
            | Self::RateLimited { .. }
            | Self::PairLimited { .. }
            | Self::Account
            | Self::DelayDay => None,
        }
    }

    /// The earliest next attempt that the provider asked for, counted from the answer.
    pub const fn wait(self) -> Option<Duration> {
        match self {
            Self::Retry { after } | Self::RateLimited { after } | Self::PairLimited { after } => after,
            Self::DelayDay => Some(Duration::from_secs(24 * 60 * 60)),
            Self::Recipient | Self::Request | Self::Template | Self::Account | Self::Unknown => None,
        }
    }
}

/// A send that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {detail}", class.as_str(), code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct SendFailure {
    /// What to do about it.
    pub class: FailureClass,
    /// The provider's own code, or a short name of the network's fault.
    pub code: Option<Cow<'static, str>>,
    /// For people; bounded, and without personal data or secrets.
    pub detail: String,
}

impl SendFailure {
    /// The longest detail that is kept, in characters.
    pub const DETAIL_LIMIT: usize = 300;

    /// A failure whose detail is cut to [`Self::DETAIL_LIMIT`].
    pub fn new(class: FailureClass, code: Option<Cow<'static, str>>, detail: &str) -> Self {
        Self { class, code, detail: detail.chars().take(Self::DETAIL_LIMIT).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_its_class_its_code_and_a_bounded_detail() {
        let failure = SendFailure::new(FailureClass::Template, Some("132001".into()), &"x".repeat(5000));
        assert_eq!(failure.detail.len(), SendFailure::DETAIL_LIMIT);
        assert!(failure.to_string().starts_with("template (132001): x"));
        assert_eq!(SendFailure::new(FailureClass::Unknown, None, "reset").to_string(), "unknown: reset");
    }

    #[test]
    fn an_unknown_outcome_is_never_sent_again() {
        assert_eq!(FailureClass::Unknown.settles(), Some(MessageStatus::Unconfirmed));
        assert_eq!(FailureClass::Retry { after: None }.settles(), None);
        assert_eq!(FailureClass::DelayDay.wait(), Some(Duration::from_secs(86_400)));
    }
}
