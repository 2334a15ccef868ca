//! The id that travels with a send attempt and comes back in the provider's events.
//!
//! It is derived from the message row and the attempt, so an attempt cut short can be matched to what became of it.
//! Reading fails on anything this platform did not write; the caller then goes by the provider's own message id.

use crate::ids::MessageId;
use std::{fmt, str::FromStr};

/// One attempt to send one message: `m-<message>-<attempt>`.
///
/// WhatsApp carries it as `biz_opaque_callback_data` (at most 512 characters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Correlation {
    /// The message row.
    pub message: MessageId,
    /// Which attempt, from 1.
    pub attempt: i32,
}

/// The text is not a correlation id of this platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a correlation id")]
pub struct CorrelationError;

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m-{}-{}", self.message.0, self.attempt)
    }
}

impl FromStr for Correlation {
    type Err = CorrelationError;
    fn from_str(text: &str) -> Result<Self, CorrelationError> {
        let (message, attempt) =
            text.strip_prefix("m-").and_then(|rest| rest.split_once('-')).ok_or(CorrelationError)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(message) || !digits(attempt) {
            return Err(CorrelationError);
        }
        let message = message.parse::<i64>().ok().filter(|id| *id > 0).ok_or(CorrelationError)?;
        let attempt = attempt.parse::<i32>().ok().filter(|n| *n > 0).ok_or(CorrelationError)?;
        Ok(Self { message: MessageId(message), attempt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went_out() {
        let id = Correlation { message: MessageId(9_007_199_254_740_993), attempt: 3 };
        assert_eq!(id.to_string(), "m-9007199254740993-3");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_others_wrote_is_not_ours() {
        for text in ["", "m-", "m-1", "m-1-", "m--1-1", "m-0-1", "m-1-0", "m-1-1-1", "m-+1-1", "M-1-1", "order-7-1"] {
            assert_eq!(text.parse::<Correlation>(), Err(CorrelationError), "{text}");
        }
    }
}
