//! Outbound messages: channels, the status ladder, why a send failed, and what a message says.

pub mod channel;
pub mod correlation;
pub mod failure;
pub mod progress;
pub mod status;
pub mod template;

pub use channel::Channel;
pub use correlation::Correlation;
pub use failure::{FailureClass, SendFailure};
pub use progress::Progress;
pub use status::MessageStatus;
