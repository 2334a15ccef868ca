//! Outbound messages: channels, the status ladder, why a send failed, and what a message says.

pub mod bounce;
pub mod channel;
pub mod correlation;
pub mod failure;
pub mod flow;
pub mod price;
pub mod progress;
pub mod purpose;
pub mod quality;
pub mod restraint;
pub mod segments;
pub mod status;
pub mod suppression;
pub mod template;
pub mod tracking;
pub mod unconfirmed;
pub mod whatsapp;
pub mod whatsapp_template;

pub use bounce::{BounceKind, Feedback};
pub use channel::Channel;
pub use correlation::Correlation;
pub use failure::{FailureClass, SendFailure};
pub use progress::Progress;
pub use purpose::Purpose;
pub use quality::Quality;
pub use segments::{Segments, SmsEncoding};
pub use status::MessageStatus;
pub use suppression::{Suppression, SuppressionReason, SuppressionScope, SuppressionSource};
pub use unconfirmed::{UnconfirmedEnd, UnconfirmedPolicy};
