//! The event webhook of SendGrid: its signature, and what a delivery says.
//!
//! Pure functions over what came in. A delivery that is not signed with a known key, or not of now, is refused. One that
//! is, but cannot be read as JSON, is an error, and the caller keeps it as it came. Within a delivery nothing is an
//! error: what is not understood is kept as it came. Source: the vendor's event reference.

mod bounce;
mod parse;
mod signature;

pub use parse::{BODY_LIMIT, EVENT_LIMIT, WebhookError, parse};
pub use signature::{SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER, verify};

#[cfg(test)]
mod tests;
